"""Messages of a chat model, as TypedDicts and models."""

from typing import Any, Literal, NotRequired, Required, TypedDict, Union

from pydantic import BaseModel, Field

from pgflow_runtime import Flow


class FunctionCall(TypedDict):
    name: str
    arguments: str


class ToolCall(TypedDict, total=False):
    id: Required[str]
    type: Required[Literal["function"]]
    function: FunctionCall


class MessageParam(TypedDict):
    role: Literal["system", "user", "assistant"]
    content: str | None
    tool_calls: NotRequired[list[ToolCall]]


class Usage(BaseModel):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    details: dict[str, int] | None = None

    @property
    def total(self) -> int:
        return self.prompt_tokens + self.completion_tokens


class TextPart(BaseModel):
    type: Literal["text"] = "text"
    text: str


class ImagePart(BaseModel):
    type: Literal["image_url"] = "image_url"
    url: str
    detail: Literal["auto", "low", "high"] = "auto"


class Message(BaseModel):
    role: str
    content: Union[str, list[TextPart | ImagePart]] = ""
    name: str | None = None


class Completion(BaseModel):
    id: str
    object: Literal["chat.completion"] = "chat.completion"
    choices: list[Message] = Field(min_length=1)
    usage: Usage = Field(default_factory=Usage)
    temperature: float = Field(1.0, ge=0, le=2)
    logit_bias: dict[str, float] = {}


class Request(TypedDict):
    messages: list[MessageParam]
    completion: NotRequired[Completion]


chat = Flow[Request]("chat")


@chat.step
def complete(flow_input: Request) -> Completion:
    return Completion(id="1", choices=[Message(role="user", content=[TextPart(text="hi")])])
