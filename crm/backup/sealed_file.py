"""A file that is encrypted if a key is set, written and read in frames, so that its size doesn't matter.

Each frame is sealed with AES-256-GCM. The nonce counts the frames and marks the last one, so frames can't be changed, moved,
repeated, or cut off at the end. The key of a file is derived from the secret and a salt of its own.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_MARK = b"CLIENTELE BACKUP 1 AES-256-GCM\n"
_FRAME = 1 << 20
_TAG = 16
_SALT = 16


class NotReadable(Exception):
    """The file can't be read. The message says why."""


def is_encrypted(path: Path) -> bool:
    """Whether the file was written with a secret."""
    with path.open("rb") as file:
        return file.read(len(_MARK)) == _MARK


def encrypt(source: Path, target: Path, secret: str) -> None:
    """Write `source` to `target`, encrypted."""
    salt = secrets.token_bytes(_SALT)
    cipher = _cipher(secret, salt)
    with source.open("rb") as plain, target.open("wb") as sealed:
        sealed.write(_MARK + salt)
        number, frame = 0, plain.read(_FRAME)
        while True:
            following = plain.read(_FRAME)
            sealed.write(cipher.encrypt(_nonce(number, is_last=not following), frame, None))
            if not following:
                return
            number, frame = number + 1, following


def decrypt(source: Path, target: BinaryIO, secret: str) -> None:
    """Write what `source` holds to `target`. Raises `NotReadable` for another secret, or if anything was changed."""
    with source.open("rb") as sealed:
        if sealed.read(len(_MARK)) != _MARK:
            raise NotReadable("it isn't encrypted")
        cipher = _cipher(secret, sealed.read(_SALT))
        number, frame = 0, sealed.read(_FRAME + _TAG)
        while True:
            following = sealed.read(_FRAME + _TAG)
            try:
                target.write(cipher.decrypt(_nonce(number, is_last=not following), frame, None))
            except (InvalidTag, ValueError):
                raise NotReadable("it was encrypted with another key, or is damaged") from None
            if not following:
                return
            number, frame = number + 1, following


def _cipher(secret: str, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, salt, b"clientele backup").derive(secret.encode()))


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])
