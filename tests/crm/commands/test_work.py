"""The command that runs jobs."""

import pytest
from django.core.management import CommandError, call_command
from django.db.migrations.recorder import MigrationRecorder

from crm.jobs.worker import WorkerProcess


@pytest.mark.django_db
def test_a_database_that_was_not_migrated_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = []
    monkeypatch.setattr(WorkerProcess, "run_until_idle", lambda self: begun.append(1))
    call_command("work", "--once")
    assert begun == [1]
    MigrationRecorder.Migration.objects.filter(app="crm").delete()
    with pytest.raises(CommandError, match=r"Run `manage\.py migrate`"):
        call_command("work", "--once")
    assert begun == [1]
