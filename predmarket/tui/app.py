"""The Textual application: the user, the stack of screens, and the actions of every screen.

One timer draws frames; one worker listens to the feed. The screens do everything else.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic
from typing import ClassVar

from textual import events
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from predmarket.characters import clean, clean_lines
from predmarket.client import ApiError, ClientError
from predmarket.tui import bindings, keymap, layout
from predmarket.tui.app_keys import BINDINGS
from predmarket.tui.exchange import Client, Feed
from predmarket.tui.key_queue import Acted, KeyQueue
from predmarket.tui.place import ScreenOrigin
from predmarket.tui.screens.admin.screen import AdminScreen
from predmarket.tui.screens.base import DeskDialog, DeskScreen, start
from predmarket.tui.screens.event import EventScreen
from predmarket.tui.screens.frame import key_name
from predmarket.tui.screens.help import HelpDialog
from predmarket.tui.screens.login import LoginScreen
from predmarket.tui.screens.panes import PANES
from predmarket.tui.screens.portfolio import PortfolioScreen
from predmarket.tui.screens.standings import StandingsScreen
from predmarket.tui.screens.trading import TradingScreen
from predmarket.tui.state import formatting
from predmarket.tui.state.brakes import TradingLimits
from predmarket.tui.state.journal import Weight
from predmarket.tui.themes import DARK, FALLBACK, LIGHT, THEMES
from predmarket.tui.trader import Trader
from predmarket.tui.widgets.component_styles import CachingStylesheet

FRAME_S = 1 / 25
BEHIND = 5
"""A screen under a dialog is drawn once in so many frames."""
RETRY_S = 2.0
RAISED_S = 0.3
"""A click so soon after the window got the focus is the one that raised it."""

OpenFeed = Callable[[Sequence[str]], AbstractAsyncContextManager[Feed]]
"""Opens a feed of topics, for the session that the client has by then."""


class TradingApp(App[None]):
    """``market`` is opened first; without it the most active one. Closes ``client`` at its end."""

    TITLE = "predmarket"
    CSS_PATH = "app.tcss"
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012  as the base class has it
        (0, "-narrow"),
        (118, "-wide"),
        (160, "-huge"),
        (190, "-vast"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012  likewise
        (0, "-low"),
        (36, "-tall"),
        (50, "-high"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = BINDINGS

    def __init__(
        self,
        client: Client,
        open_feed: OpenFeed,
        place: ScreenOrigin,
        *,
        market: str | None = None,
        plain: bool = False,
        theme: str = DARK,
        urgent: Client | None = None,
        trader: Trader | None = None,
    ) -> None:
        super().__init__()
        self.stylesheet = CachingStylesheet(variables=self.get_css_variables())
        self.trader = trader or Trader(client, urgent=urgent)
        self.place = place
        self.plain = plain
        self._open_feed = open_feed
        self._frames = 0
        self._alerts = 0
        self._raising = False
        self._focused_at = -RAISED_S
        self._market = market
        for each in THEMES:
            self.register_theme(each)
        self.theme = theme
        if plain:
            self.add_class("-plain")
        keys = bindings.load(place.folder)
        self.wrong = [*keys.wrong]
        """What of the trader's files cannot be used, in words."""
        self._keys_file = keys
        self.layout, wrong = layout.load(place.folder, PANES)
        self.wrong += wrong
        self.keeper = layout.Keeper(place.folder, self.layout, self._warn)
        self._equip(self.trader)
        self.set_keymap(keys.bound)
        self._kill_keys = frozenset(keys.bound.get("app.kill", "f9").split(","))
        self.waiting_keys = KeyQueue(self, super().on_event, self._key_dropped)

    def _equip(self, trader: Trader) -> None:
        """Apply keys.toml to a trader."""
        trader.flags = self.place.flags
        trader.sizes = self._keys_file.sizes
        trader.brakes.limits = self._keys_file.limits

    def limit(self, limits: TradingLimits) -> None:
        """Apply these limits to orders from now on, also for the next user."""
        self._keys_file = replace(self._keys_file, limits=limits)
        self.trader.brakes.limits = limits

    @property
    def keys_file(self) -> Path:
        """Return the path of the file with remapped keys and sizes."""
        return self.place.folder / keymap.FILE

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Give our widgets their colours in themes that do not name them."""
        theme = self.current_theme
        named = theme.to_color_system().generate()
        return {name: named.get(of, theme.primary) for name, of in FALLBACK.items()}

    def on_mount(self) -> None:
        """Start the frame timer, and load the user."""
        self.set_interval(FRAME_S, self.frame, name="frames")
        for line in self.wrong:
            self.trader.say(line, Weight.WARNING)
        start(self, self._begin)

    async def on_unmount(self) -> None:
        """Stop running work, and close the client, which belongs to this event loop."""
        await self.keeper.end()
        await self.trader.end()
        await self.trader.client.aclose()
        await self.trader.urgent.aclose()

    async def on_event(self, event: events.Event) -> None:
        """Run the actions of keys one after the other; the kill switch overtakes them."""
        if isinstance(event, events.MouseEvent) and self._raises(event):
            return
        if not isinstance(event, events.Key) or event.is_forwarded:
            await super().on_event(event)
        elif event.key in self._kill_keys or event.key in self._urgent_keys():
            self.waiting_keys.clear()
            await super().on_event(event)
        else:
            await self.waiting_keys.put(event)

    def _urgent_keys(self) -> frozenset[str]:
        """Return the keys of the present screen that overtake the others."""
        names = self.screen.urgent if isinstance(self.screen, DeskScreen) else ()
        bound, every = self._keys_file.bound, bindings.named()
        return frozenset().union(*(bound.get(name, every[name].key).split(",") for name in names))

    def _raises(self, event: events.MouseEvent) -> bool:
        """Tell whether a click raised the window, and so was meant for the window alone."""
        if isinstance(event, events.MouseDown) and not event.is_forwarded:
            self._raising = not self.app_focus or event.time - self._focused_at < RAISED_S
            if self._raising:
                self.app_focus = True
                self.trader.say("held: the click that raised the window", Weight.WARNING)
        return self._raising and isinstance(event, (events.MouseDown, events.MouseUp))

    def watch_app_focus(self, before: bool, now: bool) -> None:
        """Record when the window comes to the front."""
        if now and not before:
            self._focused_at = monotonic()

    async def on_acted(self, message: Acted) -> None:
        """Let the next key act."""
        await self.waiting_keys.acted(message)

    def _key_dropped(self) -> None:
        self._warn("too many keys at once: the last ones did nothing")

    def _warn(self, text: str) -> None:
        self.trader.say(text, Weight.WARNING)

    def frame(self) -> None:
        """Draw what has come since the last frame; a timer calls it."""
        self._frames += 1
        self.trader.look_at_clocks()
        if self.trader.state.alerts != self._alerts:
            self._alerts = self.trader.state.alerts
            if self._keys_file.bell:
                self.bell()
        for screen in self.screen_stack:
            # under a dialog each change redraws the whole terminal, so changes wait
            due = screen is self.screen or self._frames % BEHIND == 0
            if due and isinstance(screen, (DeskScreen, DeskDialog)):
                screen.tick()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Report an unexpected error and go on, because open orders need a screen."""
        if event.state is WorkerState.ERROR:
            self.trader.say(f"defect: {event.worker.error!r}", Weight.BAD)
            self.log.error(event.worker.error)

    # who trades

    async def _begin(self) -> None:
        while True:
            try:
                await self.trader.begin()
            except ApiError as error:
                if error.status in (401, 403):
                    await self.push_screen(LoginScreen(_why_here(error)))
                    return
                self._wait_for(error)
            except ClientError as error:
                self._wait_for(error)
            else:
                await self.entered()
                return
            await asyncio.sleep(RETRY_S)

    def _wait_for(self, error: ClientError) -> None:
        if not isinstance(self.screen, LoginScreen):
            self.notify(str(error), title="Trying again", severity="warning", timeout=RETRY_S)

    async def entered(self) -> None:
        """Show the trading screen, after a login."""
        trader = self.trader
        screen = TradingScreen()
        if isinstance(self.screen, LoginScreen):
            await self.switch_screen(screen)
        else:
            await self.push_screen(screen)
        start(self, self._listen, exclusive=True, group="feed")
        named = trader.state.markets.named(self._market) if self._market else None
        if self._market and named is None:
            trader.say(f"there is no market {self._market}", Weight.WARNING)
        listed = trader.state.markets.listed()
        first = named or (listed[0] if listed else None)
        if first is not None:
            await trader.open(first.id)

    async def _listen(self) -> None:
        trader = self.trader
        try:
            async with self._open_feed(trader.topics()) as feed:
                await trader.listen(feed)
        except ClientError as error:
            trader.state.status.down(str(error))
            trader.say(f"the feed ended: {error}", Weight.BAD)
            if isinstance(error, ApiError) and error.status == 401:
                await self.leave("the session has ended: log in again")

    async def leave(self, why: str = "") -> None:
        """Return to the login screen, which shows ``why``. The next user sees no old data."""
        before = self.trader
        await before.end()
        self.trader = Trader(before.client, urgent=before.urgent, clock=before.clock)
        self._equip(self.trader)
        while isinstance(self.screen, (DeskScreen, DeskDialog)):
            self.pop_screen()
        await self.push_screen(LoginScreen(why))

    def open_market(self, market: int) -> None:
        """Return to the trading screen, in ``market``."""
        while not isinstance(self.screen, TradingScreen):
            self.pop_screen()
        self.screen.open_market(market)

    def open_event(self, event: int) -> None:
        """Show an event over the trading screen."""
        while not isinstance(self.screen, TradingScreen):
            self.pop_screen()
        self.push_screen(EventScreen(event))

    # what works on every screen

    def key_of(self, name: str) -> str:
        """Return the first key of a binding, as it is shown."""
        return self.keys_of(name)[0]

    def keys_of(self, name: str) -> list[str]:
        """Return the keys of a binding, as they are shown."""
        binding = bindings.named()[name]
        keys = self._keys_file.bound.get(name, binding.key)
        return [key_name(self.screen, binding.with_key(key)) for key in keys.split(",")]

    def action_help(self) -> None:
        """Show the keys."""
        if not isinstance(self.screen, HelpDialog):
            self.push_screen(HelpDialog(self.screen, bindings.named()))

    def action_portfolio(self) -> None:
        """Show the portfolio."""
        if isinstance(self.screen, (TradingScreen, EventScreen)):
            self.push_screen(PortfolioScreen())

    def action_standings(self) -> None:
        """Show the standings."""
        if isinstance(self.screen, (TradingScreen, EventScreen)):
            self.push_screen(StandingsScreen())

    def action_admin(self) -> None:
        """Show the admin screen."""
        if not isinstance(self.screen, TradingScreen):
            return
        if self.trader.admin:
            self.push_screen(AdminScreen())
        else:
            self.trader.say("only admins have that screen", Weight.WARNING)

    def action_theme(self) -> None:
        """Switch between dark and light."""
        self.theme = LIGHT if self.current_theme.dark else DARK

    def action_copy(self) -> None:
        """Copy the command that is equivalent to the last action."""
        if self.trader.echo:
            self.copy_to_clipboard(self.trader.echo)
            self.trader.said = (f"copied: {self.trader.echo}", Weight.PLAIN)

    def action_arm(self) -> None:
        """Arm, or go safe."""
        trader = self.trader
        trader.armed = not trader.armed and trader.user is not None
        trader.say(
            "ARM: clicks and keys send" if trader.armed else "SAFE: nothing is sent", Weight.WARNING
        )

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Show a toast. Its text is no markup by default, since others may have written it."""
        super().notify(
            clean_lines(message),
            title=clean(title),
            severity=severity,
            timeout=timeout,
            markup=markup,
        )

    def action_kill(self) -> None:
        """Cancel everything, on any screen."""
        if self.trader.user is not None:
            start(self, self._kill, group="kill", exclusive=True)

    async def _kill(self) -> None:
        count = await self.trader.kill()
        if count is None:
            self.notify(
                self.trader.said[0], title="CANCEL ALL FAILED", severity="error", timeout=10
            )
        else:
            text = f"{formatting.orders(count)} cancelled"
            self.notify(text, title="CANCEL ALL", severity="warning", timeout=6)

    async def action_log_out(self) -> None:
        """End the session."""
        try:
            await self.trader.client.logout()
        except ClientError as error:
            self.trader.say(str(error), Weight.BAD)
            return
        self.workers.cancel_group(self, "feed")
        await self.leave()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Yield what the command palette has: all that has a binding here, and more."""
        yield from super().get_system_commands(screen)
        for active in screen.active_bindings.values():
            binding = active.binding
            if binding.id is None or binding.system or "." not in binding.id:
                continue
            action, node = binding.action, active.node
            yield SystemCommand(
                binding.description,
                binding.tooltip or binding.description,
                partial(start, self, partial(self.run_action, action, node)),
            )
        if isinstance(screen, TradingScreen):
            yield SystemCommand("Log out", "End the session", self.action_log_out)


def _why_here(error: ApiError) -> str:
    """Return why the login screen is shown; empty if nobody was logged in."""
    return "" if error.code == "UNAUTHENTICATED" else f"log in: {error.message}"
