#!/bin/sh
# Takes out of a venv what no step ever reads: slim.sh /opt/venv
set -eu
packages=$(echo "$1"/lib/python3*/site-packages)

# pip has done its work
rm -rf "$packages"/pip "$packages"/pip-*.dist-info
# the packages' own tests; pyarrow's headers and its Flight client; litellm's web interface
find "$packages" -type d -name tests -prune -exec rm -rf {} +
rm -rf "$packages"/pyarrow/include "$packages"/pyarrow/*flight* "$packages"/litellm/proxy/_experimental

# Debug symbols. Not in a package with a NAME.libs folder beside it: auditwheel has moved sections
# about in its libraries, and strip would leave them unloadable.
find "$packages" -type f -name '*.so*' ! -path '*.libs/*' | while read -r library; do
    package=${library#"$packages"/}
    case ${package%%/*} in
        numpy | scipy | PIL | sknetwork) ;;
        *) strip --strip-unneeded "$library" ;;
    esac
done
