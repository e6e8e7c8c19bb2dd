"""Sidecars of a picture's further versions, as darktable names them: they meet its file in any
order of arrival."""

from itertools import permutations

from support.world import World, raw
from twinlens.commands.groups import groups

XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:darktable="http://darktable.sf.net/" darktable:history_end="3"/></rdf:RDF></x:xmpmeta>"""


def named(world: World) -> list[set[str]]:
    return [
        {member["path"].rpartition("/")[2] for member in group["members"]}
        for group in groups(world.store.database, None)
    ]


def test_a_further_versions_sidecar_joins_its_raw_in_any_order_of_arrival(world: World) -> None:
    contents = {"a/IMG_0001.nef": raw(1), "a/IMG_0001_01.nef.xmp": XMP, "a/IMG_0001.nef.xmp": XMP}
    expected = [{name.rpartition("/")[2] for name in contents}]

    for order in permutations(contents):
        for name in order:
            world.put(name, contents[name])
            world.hint(name)
            world.drain()
        assert named(world) == expected, order
        for name in order:
            world.path(name).unlink()
        world.scan(accept_missing=True)
        world.drain()
        assert named(world) == []


def test_a_further_versions_sidecar_goes_to_the_file_of_its_name_and_back(world: World) -> None:
    for name, content in (("IMG_0001.nef", raw(1)), ("IMG_0001_01.nef.xmp", XMP)):
        world.put(name, content)
        world.hint(name)
        world.drain()
    assert named(world) == [{"IMG_0001.nef", "IMG_0001_01.nef.xmp"}]

    world.put("IMG_0001_01.nef", raw(2))
    world.hint("IMG_0001_01.nef")
    world.drain()
    assert named(world) == [{"IMG_0001_01.nef", "IMG_0001_01.nef.xmp"}]

    world.path("IMG_0001_01.nef").unlink()
    world.scan(accept_missing=True)
    world.drain()
    assert named(world) == [{"IMG_0001.nef", "IMG_0001_01.nef.xmp"}]
