"""What keeps an author's command from going on."""


class AuthoringProblem(Exception):
    """An AVI cannot be made or brought on; with the cause, and the next step."""

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(message)
        self.next_step = next_step
