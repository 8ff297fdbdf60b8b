"""People who buy and give over HTTP, with the shop's own pages and forms, and never give up half way.

Each of them has one kept connection and one session. What they do is theirs to choose from a seed; what they find out
is written into the history.
"""

import asyncio
import contextlib
import re
from dataclasses import dataclass
from random import Random
from urllib.parse import urlsplit
from uuid import UUID

from drills.history import Ended, History, Operation
from drills.http import Answer, Connection, Form, Unanswered

CARD = {"email": "drill@example.com", "card_number": "4242424242424242", "exp": "12/34", "cvc": "123"}
DECLINED = CARD | {"card_number": "4000000000000002"}
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
SMALL_GIFTS = {"rose": 1, "heart": 1, "coffee": 1, "finger-heart": 5, "microphone": 5}
MOST_TRIES = 4


@dataclass
class Person:
    """Somebody with a browser that is signed in."""

    id: int
    handle: str
    web: Connection
    payments: Connection
    history: History
    rng: Random
    token: str = ""
    drill: str = ""
    sent_back_to: str = ""  # by the last payment page that took a card

    def new_key(self) -> UUID:
        return UUID(int=self.rng.getrandbits(128), version=4)

    # Giving ----------------------------------------------------------------------------------------------------------

    async def give(self, creator: str, gift: str = "rose", quantity: int = 1, key: UUID | None = None) -> Operation:
        """Send a gift. What stays unknown is tried again with the same key, as an app would."""
        coins = SMALL_GIFTS.get(gift, 0) * quantity
        operation = self.history.begin("gift", self.drill, self.id, key or self.new_key(), coins)
        form = {"gift": gift, "quantity": str(quantity), "key": str(operation.key)}
        for pause_s in self._patience():
            await asyncio.sleep(pause_s)
            operation.tries += 1
            if await self._try(operation, f"/@{creator}/gifts/", form) is not Ended.UNKNOWN:
                break
        return operation

    def _patience(self) -> list[float]:
        """The pauses before each try; one in ten never tries again, so that its gift stays unknown."""
        if self.rng.random() < 0.1:
            return [0.0]
        return [0.0, *(self.rng.uniform(0.05, 0.3) * 3**n for n in range(MOST_TRIES - 1))]

    async def _try(self, operation: Operation, path: str, form: Form) -> Ended:
        try:
            answer = await self.web.post(path, await self._signed(form))
        except Unanswered:
            return operation.end(Ended.UNKNOWN)
        if answer.status == 303:
            return operation.end(Ended.OK, 303)
        return operation.end(Ended.UNKNOWN if answer.status >= 500 else Ended.REFUSED, answer.status)

    async def _signed(self, form: Form) -> Form:
        """The form with the token that the pages of this browser carry. Raises Unanswered."""
        if not self.token:
            page = await self.web.get("/summary/?package=custom&amount=100")
            self.token = hidden(page).get("csrfmiddlewaretoken", "")
        return {"csrfmiddlewaretoken": self.token, **form}

    # Buying ----------------------------------------------------------------------------------------------------------

    async def buy(self, coins: int, *, card: Form = CARD, returns: bool = False) -> Operation:
        """Choose, look at the summary, and pay. Most close the browser on the payment page."""
        operation = self.history.begin("purchase", self.drill, self.id, self.new_key(), coins)
        page = await self._payment_page(operation, coins)
        if page is None:  # nobody paid, so nothing may come
            operation.end(Ended.REFUSED, operation.status)
            return operation
        try:
            answer = await self.payments.post(page, card)
        except Unanswered:
            operation.end(Ended.UNKNOWN)
            return operation
        ended = {303: Ended.OK, 402: Ended.REFUSED}.get(answer.status, Ended.UNKNOWN)
        operation.end(ended, answer.status)
        self.sent_back_to = urlsplit(answer.location).path
        if returns and ended is Ended.OK:
            await self.come_back(self.sent_back_to)
        return operation

    async def come_back(self, path: str) -> None:
        """Be sent back by the payment page, to where the shop asks the provider at once."""
        with contextlib.suppress(Unanswered):
            await self.web.get(path)

    async def _payment_page(self, operation: Operation, coins: int) -> str | None:
        summary = f"/summary/?package=custom&amount={coins}"
        order: Form = {}
        for pause_s in [0.0, 0.2, 0.6, 1.8]:
            await asyncio.sleep(pause_s)
            operation.tries += 1
            try:
                if not order:
                    order = hidden(await self.web.get(summary))
                    self.token = order.get("csrfmiddlewaretoken", self.token)
                answer = await self.web.post("/orders/", order | {"key": str(operation.key)})
            except Unanswered:
                continue
            operation.status = answer.status
            if answer.status == 303 and "/c/pay/" in answer.location:
                return urlsplit(answer.location).path
        return None


def hidden(page: Answer) -> Form:
    """The hidden fields of a page's forms."""
    return dict(HIDDEN.findall(page.body.decode(errors="replace")))
