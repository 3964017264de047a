"""Files in, rows out: whatever a file is packed in, and whichever encoding its text is in.

`open_all` opens what a path means, `RawFile` gives the rows, and `Part` is what one process reads of it at a time.
"""

from lf_wrap.sources.containers.encoding import NotUtf8Error
from lf_wrap.sources.containers.json_rows import NotWholeRowsError
from lf_wrap.sources.containers.paths import files_of, left_out
from lf_wrap.sources.containers.rows import Part, RawFile, open_all, open_rows

__all__ = ["NotUtf8Error", "NotWholeRowsError", "Part", "RawFile", "files_of", "left_out", "open_all", "open_rows"]
