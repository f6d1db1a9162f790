#!/bin/sh
# Builds all Bazel targets and runs the quick tests, with Debian's bazel-bootstrap unpacked into a
# cache: nothing is installed, and nothing but Debian packages is downloaded.
#
#   sh tools/bazel_check.sh                       # the tests of ranges, affine and schemes
#   sh tools/bazel_check.sh //:test_cli //:test_qat   # other targets
#
# Needs Debian, Java 17 (or 11), and the tests' Python packages.
# BAZEL_CACHE: where everything goes. PYTHON: whose packages the tests see; else that of .venv.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cache=${BAZEL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tflq-bazel}
python=${PYTHON:-$here/.venv/bin/python}
root=$cache/root
stubs=$cache/repositories

fail() {
    echo "bazel_check: $1" >&2
    exit 1
}

# Unpacks bazel-bootstrap and what it needs that this machine lacks.
unpack() {
    rm -rf "$root" "$cache/debs"
    mkdir -p "$root" "$cache/debs"
    cd "$cache/debs"
    packages=$(apt-get --simulate --no-install-recommends install bazel-bootstrap |
        awk '/^Inst/ {print $2}')
    # Where it is installed, apt-get has nothing to add.
    # shellcheck disable=SC2086
    apt-get download ${packages:-bazel-bootstrap bazel-bootstrap-data} >apt.log 2>&1 ||
        fail "bazel-bootstrap cannot be downloaded (try apt-get update): $(tail -n 1 apt.log)"
    for package in *.deb; do
        dpkg-deb -x "$package" "$root"
    done
    cd "$here"
    rm -rf "$cache/debs"
}

# A repository that has Bazel's own rules under the names of a rule set.
stub() { # repository, file, rule…
    folder=$stubs/$1/$(dirname "$2")
    mkdir -p "$folder"
    touch "$stubs/$1/WORKSPACE" "$stubs/$1/BUILD" "$folder/BUILD"
    file=$stubs/$1/$2
    shift 2
    for rule in "$@"; do
        echo "$rule = native.$rule"
    done >"$file"
}

# Bazel's tools load these; of rules_python BUILD does as well.
write_stubs() {
    rm -rf "$stubs"
    stub rules_cc cc/defs.bzl cc_binary cc_import cc_library cc_proto_library cc_test \
        cc_toolchain cc_toolchain_suite objc_library
    stub rules_java java/defs.bzl java_binary java_import java_library java_proto_library \
        java_runtime java_toolchain
    stub rules_proto proto/defs.bzl proto_lang_toolchain proto_library
    stub rules_python python/defs.bzl py_binary py_library py_test
    stub remote_coverage_tools tools/defs.bzl
    echo 'filegroup(name = "coverage_report_generator", visibility = ["//visibility:public"])' \
        >"$stubs/remote_coverage_tools/BUILD"
}

bazel() { # command, argument…
    LD_LIBRARY_PATH=$(echo "$root"/usr/lib/*-linux-gnu) "$root/usr/bin/bazel-4" \
        --nosystem_rc --nohome_rc --noworkspace_rc \
        --install_base="$root/usr/share/bazel" --trust_install_base \
        --server_javabase="$java" --output_user_root="$cache/output" "$@"
}

# The same for a build or a test: stubs, the given Python, no links in the tree, no sandbox, which
# needs privileges.
run() { # command, argument…
    command=$1
    shift
    for name in rules_cc rules_java rules_proto rules_python remote_coverage_tools; do
        set -- "--override_repository=$name=$stubs/$name" "$@"
    done
    bazel "$command" --symlink_prefix=/ --spawn_strategy=local --color=no --curses=no \
        --noshow_progress --incompatible_use_python_toolchains=false --python_path="$python" "$@"
}

command -v apt-get >/dev/null || fail "apt-get is missing; Debian's packages are needed"
command -v java >/dev/null || fail "java is missing; install openjdk-17-jre-headless"
"$python" -c 'import pytest' || fail "$python has no pytest; run tools/test.sh first, or set PYTHON"
java=$(dirname "$(dirname "$(readlink -f "$(command -v java)")")")

[ -x "$root/usr/bin/bazel-4" ] || unpack
write_stubs
cd "$here"
trap 'bazel shutdown' EXIT
run build //...
if [ $# -gt 0 ]; then
    run test --test_output=errors "$@"
else
    run test --test_output=errors //:test_ranges
    run test --test_output=errors --test_filter='affine or scheme' //:test_verbs
fi
