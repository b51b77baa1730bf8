'''Ends """ early. \ {{ evil }} {% raw %} */ -- '; drop schema pgflow; --

```
<script>alert(1)</script> | a | b |
'''
# ruff: noqa

from typing import Literal, TypedDict

from pgflow_runtime import Flow

Evil = TypedDict(
    "Evil",
    {
        '"""': int,
        "'; drop schema pgflow; --": str,
        "a\nb\u2028c\u202e": bool,
        "{{ x }}": Literal["\\", "\"\"\"", "'''", "\x01", "\u202e", "{% x %}", "`|`", "</script>"],
    },
)


class Quoted(TypedDict):
    'Ends with a "quote"'

    value: str


hostile = Flow[Evil]("hostile")


@hostile.step(if_={"'; drop schema pgflow; --": "\\'; $$ :x %s ? \" \u2028"})
def evil(flow_input: Evil) -> Quoted:
    '''commit;
    """ + __import__("os").abort() + """
    # Heading
    | not | a | table |
    '''
    return {"value": ""}
