#!/bin/bash -eu
# Builds every fuzz target of the module as a libFuzzer binary, in the OSS-Fuzz image.
# Elsewhere it type-checks what it would build. It changes the tree that it runs in:
# give it a copy.
module=$(go list -m)
command -v compile_native_go_fuzzer_v2 >/dev/null || compile_native_go_fuzzer_v2() {
	[ "$(go list -f '{{.Name}}' "$1")" != main ] && go vet "$1" && echo "$1 $2: type-checked"
}

# The builder makes ordinary files of test files, so those of one folder must be of
# one package: x and x_test get folders of their own. It imports that package, which
# must not be main.
for dir in $(git grep -lE '^func Fuzz' -- '*_test.go' | xargs -n1 dirname | sort -u); do
	sed -i 's/^package main$/package program/' "$dir"/*.go
	for file in $(grep -lE '^package [a-z0-9]+_test$' "$dir"/*_test.go || true); do
		mkdir -p "$dir/external"
		sed -E 's/^package ([a-z0-9]+)_test$/package external/' "$file" >"$dir/external/$(basename "$file")"
		rm "$file"
	done
	if [ -d "$dir/external" ] && [ -d "$dir/testdata" ]; then
		cp -r "$dir/testdata" "$dir/external/testdata"
	fi
	for folder in "$dir" "$dir/external"; do
		[ -d "$folder" ] || continue
		(grep -hoE "^func Fuzz[A-Za-z0-9]+" "$folder"/*_test.go 2>/dev/null || true) | sed 's/func //' | while read -r target; do
			compile_native_go_fuzzer_v2 "$module/$folder" "$target" "${dir//\//_}_$target"
		done
	done
done
