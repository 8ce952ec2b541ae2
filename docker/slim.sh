#!/bin/sh
# Takes out of a venv what no step ever reads: slim.sh /opt/venv
# It knows the locked packages only, so it runs before anybody's extra ones are there.
set -eu
packages=$(echo "$1"/lib/python3*/site-packages)

rm -rf "$1"/include "$1"/share
# the packages' own tests, and what only a compiler or an editor reads
find "$packages" -type d -name tests -prune -exec rm -rf {} +
rm -rf "$packages"/nltk/test "$packages"/joblib/test "$packages"/litellm/proxy/_experimental
find "$packages" -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxi' -o -name '*.pxd' \
    -o -name '*.h' -o -name '*.c' -o -name '*.cc' -o -name '*.cpp' -o -name '*.a' \) -delete
# pyarrow: its headers; its Flight client; two copies of a library, which is loaded by its third name
rm -rf "$packages"/pyarrow/include "$packages"/pyarrow/*flight* \
    "$packages"/pyarrow/libarrow_python*.so "$packages"/pyarrow/libarrow_python*.so.*.*.*
# Pillow's way to AVIF pictures; without it Pillow says that it has none
rm -f "$packages"/PIL/_avif* "$packages"/pillow.libs/libavif*

# Debug symbols. Not in a package with a NAME.libs folder beside it: auditwheel has moved sections
# about in its libraries, and strip would leave them unloadable.
find "$packages" -type f -name '*.so*' ! -path '*.libs/*' | while read -r library; do
    package=${library#"$packages"/}
    case ${package%%/*} in
        numpy | scipy | PIL | sknetwork) ;;
        *) strip --strip-unneeded "$library" ;;
    esac
done
