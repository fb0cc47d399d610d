"""How well customers fare: a score from 0 to 100, made of parts that each can be seen.

`facts` reads what is the case, for many customers at once; `parts` says what each fact is worth and why, in a sentence;
`scoring` adds up; `refresh` keeps the history.
"""
