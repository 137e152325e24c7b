"""Every refusal must give its user one clear message, the same on both outputs, and a proper exit code."""


def assert_refused(process, failure_types, *words, lines=1):
    """`words` must be in the message, whatever their case; `failure_types`: one, or those that are acceptable.

    A message has one line for each problem.
    """
    failure_types = (failure_types,) if isinstance(failure_types, str) else failure_types
    assert process.process.returncode is not None and process.process.returncode > 0, process.story()
    assert len(process.errors) == 1, process.story()
    error = process.errors[0]
    assert error["failure_type"] in failure_types, error
    message = error["message"]
    assert message.strip() and len(message.splitlines()) == lines, message
    for word in words:
        assert word.lower() in message.lower(), f"{word!r} is not in {message!r}"
    for line in message.splitlines():
        assert line in process.stderr, f"stderr does not say {line!r}:\n{process.stderr}"
    assert not process.records
