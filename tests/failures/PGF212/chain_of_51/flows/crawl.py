from pgflow_runtime import Context, Flow


chain = Flow[list[str]]("chain")


@chain.map
def m1(item: str) -> str:
    return item


@chain.map(array=m1)
def m2(item: str) -> str:
    return item


@chain.map(array=m2)
def m3(item: str) -> str:
    return item


@chain.map(array=m3)
def m4(item: str) -> str:
    return item


@chain.map(array=m4)
def m5(item: str) -> str:
    return item


@chain.map(array=m5)
def m6(item: str) -> str:
    return item


@chain.map(array=m6)
def m7(item: str) -> str:
    return item


@chain.map(array=m7)
def m8(item: str) -> str:
    return item


@chain.map(array=m8)
def m9(item: str) -> str:
    return item


@chain.map(array=m9)
def m10(item: str) -> str:
    return item


@chain.map(array=m10)
def m11(item: str) -> str:
    return item


@chain.map(array=m11)
def m12(item: str) -> str:
    return item


@chain.map(array=m12)
def m13(item: str) -> str:
    return item


@chain.map(array=m13)
def m14(item: str) -> str:
    return item


@chain.map(array=m14)
def m15(item: str) -> str:
    return item


@chain.map(array=m15)
def m16(item: str) -> str:
    return item


@chain.map(array=m16)
def m17(item: str) -> str:
    return item


@chain.map(array=m17)
def m18(item: str) -> str:
    return item


@chain.map(array=m18)
def m19(item: str) -> str:
    return item


@chain.map(array=m19)
def m20(item: str) -> str:
    return item


@chain.map(array=m20)
def m21(item: str) -> str:
    return item


@chain.map(array=m21)
def m22(item: str) -> str:
    return item


@chain.map(array=m22)
def m23(item: str) -> str:
    return item


@chain.map(array=m23)
def m24(item: str) -> str:
    return item


@chain.map(array=m24)
def m25(item: str) -> str:
    return item


@chain.map(array=m25)
def m26(item: str) -> str:
    return item


@chain.map(array=m26)
def m27(item: str) -> str:
    return item


@chain.map(array=m27)
def m28(item: str) -> str:
    return item


@chain.map(array=m28)
def m29(item: str) -> str:
    return item


@chain.map(array=m29)
def m30(item: str) -> str:
    return item


@chain.map(array=m30)
def m31(item: str) -> str:
    return item


@chain.map(array=m31)
def m32(item: str) -> str:
    return item


@chain.map(array=m32)
def m33(item: str) -> str:
    return item


@chain.map(array=m33)
def m34(item: str) -> str:
    return item


@chain.map(array=m34)
def m35(item: str) -> str:
    return item


@chain.map(array=m35)
def m36(item: str) -> str:
    return item


@chain.map(array=m36)
def m37(item: str) -> str:
    return item


@chain.map(array=m37)
def m38(item: str) -> str:
    return item


@chain.map(array=m38)
def m39(item: str) -> str:
    return item


@chain.map(array=m39)
def m40(item: str) -> str:
    return item


@chain.map(array=m40)
def m41(item: str) -> str:
    return item


@chain.map(array=m41)
def m42(item: str) -> str:
    return item


@chain.map(array=m42)
def m43(item: str) -> str:
    return item


@chain.map(array=m43)
def m44(item: str) -> str:
    return item


@chain.map(array=m44)
def m45(item: str) -> str:
    return item


@chain.map(array=m45)
def m46(item: str) -> str:
    return item


@chain.map(array=m46)
def m47(item: str) -> str:
    return item


@chain.map(array=m47)
def m48(item: str) -> str:
    return item


@chain.map(array=m48)
def m49(item: str) -> str:
    return item


@chain.map(array=m49)
def m50(item: str) -> str:
    return item


@chain.map(array=m50)
def m51(item: str) -> str:
    return item
