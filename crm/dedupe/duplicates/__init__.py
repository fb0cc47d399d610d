"""Find customers that may be one.

- `sweep.swept` compares all customers, `likely.likely_matches` somebody new with them; `judging.judge` compares two.
- `review.record` writes what a sweep found to the review queue, `review.decide` what people decide of it.
- `trials.shared_trials` lists trials that one device, company or payment method took as several customers.

A customer is read as a `profile.Profile`. Customers that share a mark (`marks`) are compared; the rules (`ways`,
`rules`, `name_rules`) find evidence, each of which has its weight in `evidence.WEIGHTS`.
"""
