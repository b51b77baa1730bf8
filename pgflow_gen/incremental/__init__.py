"""The incremental build: what is cached, under which key, and what invalidates it.

Nothing here changes what a build comes to; every part may be missing, damaged or foreign, and costs time
only. All of it lies in ``.pgflow/cache`` of a project, under one key: the configuration, the compiler's own
files, the interpreter, and when packages were last installed. With another key nothing counts.

1. The whole build (``fingerprint``; the file ``build.json``). A clean build records the size, inode and times
   of every file it may have rested on, and its outcome. Where no file differs that outcome is handed out
   again, and nothing is read.
2. Single modules (``cache``; the file ``modules``). Each module is read on its own (``ModuleResult``), those
   together as a group whose steps belong to each other's flows (``Group``). All that reading asks of the disk
   goes through ``source.tracked_reads``, which notes question and answer: which file a module is, also that
   there is none, and the digest of each text. These are the *dependencies* of a result, which counts as long
   as every question has the same answer. A digest is taken over unread where the file's stamp is as it was.
3. Single flows (``flow_results``; beside their groups, and gone with them). Whether the checks of that flow
   had nothing to say, and what was rendered from it, with digests in place of contents. Checks that look at
   several flows are never cached; the client's digest is, under the names that it is made of.
4. Generated files (``cache``). Digests of what the last build wrote, so that it need not be read again to be
   compared, as long as the file's stamp is as it was.

``project`` puts a project together out of what counts and what must be read, ``modules`` reads syntax trees.
What comes out of the cache stays bytes until somebody asks: flows (``lazy_flow``) and the types of all
groups as one table (``merged_types``); ``codec`` says how the IR is written down. ``worker_process`` shares
the reading with a second process, which hands over a cache. ``session`` is one command's view of all this,
``analysis`` is what the rest of the compiler calls.
"""
