"""What Amazon's algorithms read and write: the formats of channels, requests and responses.

Only numpy and scipy are needed. Whatever bytes come in, a reader gives a value or raises
`RefusedError` in words for the sender.
"""
