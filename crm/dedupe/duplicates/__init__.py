"""Find customers that may be duplicates.

- `sweep.swept` compares all customers, `suggest.likely_matches` a new one with all, `score.judge` two.
- `review.record` writes the pairs of a sweep to the review queue, `review.decide` what people decide.
- `trials.shared_trials` finds trials that several customers took with the same device, company or payment
  method.

A customer is read as a `profile.Profile`. Only customers that share a blocking key (`blocking_keys`) are
compared. The rules (`contact_rules`, `rules`, `name_rules`) find evidence; `weights.CURRENT` has its weight.
"""
