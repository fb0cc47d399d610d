"""Health scores from 0 to 100, made of signals that each show their points and their reason.

`facts` reads what is known of many customers at once, `formula` turns facts into points and a sentence, `scoring` adds
the points up, and `refresh` keeps the history.
"""
