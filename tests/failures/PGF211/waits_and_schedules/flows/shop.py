from pgflow_runtime import Flow, Signal, Sleep

shop = Flow[str]("shop")


@shop.step
def ship(flow_input: str) -> str:
    return flow_input


def make() -> None:
    answer = Signal[str](shop, "answer")
    shop.schedule("nightly", every=60, input="all")


Sleep(shop, "pause", seconds=3)
signals = [Signal[str](shop, "first")]
if __name__ == "__main__":
    shop.schedule("hourly", every=60, input="all")
schedules = {"daily": shop.schedule("daily", every=60, input="all")}
