"""Layouts of orders, balances, positions and statements."""

from predmarket.cli.columns import names, no_price, number, optional, text
from predmarket.cli.grid import Layout

ORDER_FILL = Layout(
    (
        number("TRADE", "tradeId"),
        number("PRICE", "price"),
        number("QTY", "qty"),
        number("FEE", "fee"),
        text("AS", "liquidity"),
    ),
    names("tradeId price qty fee liquidity"),
)

ORDER = Layout(
    (
        number("ID", "id"),
        text("MARKET", "marketSlug"),
        text("SIDE", "side"),
        text("TYPE", "type"),
        number("PRICE", "price"),
        number("QTY", "qty"),
        number("FILLED", "qtyFilled"),
        number("AVG", "avgFillPrice"),
        text("TIF", "timeInForce"),
        text("STATUS", "status"),
        text("REASON", "reason"),
        text("CREATED", "createdAt"),
        text("CLIENT ID", "clientOrderId"),
    ),
    names(
        "id clientOrderId marketId marketSlug userId side type price qty qtyFilled qtyRemaining"
        " avgFillPrice feesPaid status reason timeInForce expiresAt createdAt updatedAt queueAhead"
        " fills orderGroupId"
    ),
    {"fills": ORDER_FILL},
    least=("CLIENT ID", "CREATED", "AVG", "TYPE", "TIF", "REASON"),
)

PREVIEW = Layout(
    fields=names("fillQty restQty avgPrice worstPrice fees locked queueAhead coveredQty")
)

EXPLAINED_PREVIEW = Layout(fields=(*PREVIEW.fields, "closes", "opens", "cost", "mostLost"))

BATCH_RESULT = Layout(
    (
        number("#", "number"),
        number("ID", "id"),
        text("STATUS", "status"),
        number("QTY", "qty"),
        number("FILLED", "qtyFilled"),
        text("CLIENT ID", "clientOrderId"),
        text("ERROR", "error"),
    ),
    names("number id status qty qtyFilled clientOrderId error"),
)

ORDER_GROUP = Layout(
    (
        number("ID", "id"),
        number("LIMIT", "limit"),
        text("STATUS", "status"),
        text("CREATED", "createdAt"),
        text("UPDATED", "updatedAt"),
    ),
    names("id limit status createdAt updatedAt"),
    least=("CREATED",),
)

BALANCE = Layout(
    (
        number("AVAILABLE", "available"),
        number("LOCKED", "locked"),
        number("TOTAL", "total"),
    ),
    names("available locked total"),
)

POSITION = Layout(
    (
        text("MARKET", "marketSlug"),
        number("YES", "qtyLong"),
        number("NO", "qtyShort"),
        number("AVG", "avgPrice"),
        no_price("NO AVG", "avgPrice"),
        number("MARK", "markPrice"),
        no_price("NO MARK", "markPrice"),
        number("REALIZED", "realizedPnl"),
        number("UNREALIZED", "unrealizedPnl"),
    ),
    names("marketId marketSlug qtyLong qtyShort avgPrice realizedPnl unrealizedPnl markPrice"),
    least=("REALIZED", "NO MARK", "NO AVG"),
)

PORTFOLIO = Layout(
    (
        number("CASH", "cash"),
        number("POSITIONS", "positionsValue"),
        number("TOTAL", "totalValue"),
        number("REALIZED", "realizedPnl"),
        number("UNREALIZED", "unrealizedPnl"),
    ),
    names("cash positionsValue totalValue realizedPnl unrealizedPnl"),
)

FILL = Layout(
    (
        number("TRADE", "tradeId"),
        number("ORDER", "orderId"),
        text("TIME", "createdAt"),
        text("MARKET", "marketSlug"),
        text("SIDE", "side"),
        number("PRICE", "price"),
        number("QTY", "qty"),
        number("FEE", "fee"),
        text("AS", "liquidity"),
    ),
    names("tradeId orderId marketId marketSlug side price qty fee liquidity createdAt"),
    least=("AS", "TRADE"),
)

LEDGER_LINE = Layout(
    (
        number("ID", "id"),
        text("TIME", "createdAt"),
        text("KIND", "kind"),
        text("MARKET", "marketSlug"),
        optional("EVENT", "eventSlug"),
        number("TRADE", "tradeId"),
        number("AMOUNT", "amount"),
        number("BALANCE", "balanceAfter"),
        text("REASON", "reason"),
    ),
    names(
        "id kind amount counterpart marketId marketSlug tradeId transferId reason commandSeq"
        " createdAt balanceAfter eventId eventSlug"
    ),
    least=("REASON", "TRADE"),
)

TRANSFER = Layout(fields=("id", "balance"))
