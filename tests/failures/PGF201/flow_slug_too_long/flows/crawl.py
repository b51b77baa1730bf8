from pgflow_runtime import Context, Flow


a = Flow[str]("a_slug_of_forty_seven_characters_is_still_fine_")
b = Flow[str]("a_slug_of_forty_eight_characters_is_one_too_many")
c = Flow[str]("with_the_suffix_of_its_version_it_is_too_long", version=2)


@a.step
def in_a(flow_input: str) -> str:
    return flow_input


@b.step
def in_b(flow_input: str) -> str:
    return flow_input


@c.step
def in_c(flow_input: str) -> str:
    return flow_input
