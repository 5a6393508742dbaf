package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/internal/replay"
)

func replayed(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(args, &out, &errs)
	return code, regexp.MustCompile(`("elapsed_ms":|records in )\d+`).ReplaceAllString(out.String(), "${1}0"), errs.String()
}

// TestShipped pins what is printed, elapsed time aside.
func TestShipped(t *testing.T) {
	code, out, errs := replayed("-json")
	require.Zero(t, code, errs)
	require.Equal(t, `{"file":"shipped","records":110001,"hcalls":68427,"xlates":41475,"slbops":94,"tlbies":0,`+
		`"syncs":0,"checked":109996,"mismatches":0,"departed":65,"first":"","elapsed_ms":0}`+"\n", out)
	code, out, errs = replayed()
	require.Zero(t, code, errs)
	require.Equal(t, `shipped: 110001 records in 0 ms
    68427 hypercalls
    41475 translations
       94 SLB instructions
        0 tlbie
        0 entries changed by other means
   109996 answers compared, 0 differ
       65 of them not as the architecture has it
`, out)
}

func TestMismatchIsExit1(t *testing.T) {
	z, err := gzip.NewReader(bytes.NewReader(replay.Shipped))
	require.NoError(t, err)
	b, err := io.ReadAll(z)
	require.NoError(t, err)
	for at := 8; ; at += 8 + 8*int(b[at+1]) {
		if b[at] == 1 { // a hypercall: falsify its return code
			binary.LittleEndian.PutUint64(b[at+8:], 5)
			break
		}
	}
	name := filepath.Join(t.TempDir(), "false.trc")
	require.NoError(t, os.WriteFile(name, b, 0o600))
	code, out, errs := replayed("-json", name)
	require.Equal(t, 1, code, errs)
	require.Contains(t, out, `"mismatches":1,`)
	require.Contains(t, out, "H_SUCCESS")
	require.Contains(t, out, "recorded H_PARTIAL")
	code, out, _ = replayed(name)
	require.Equal(t, 1, code)
	require.Contains(t, out, "first: record ")
}

func TestUnusable(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text")
	require.NoError(t, os.WriteFile(text, []byte("no trace at all"), 0o600))
	for _, args := range [][]string{{"-x"}, {"no-such-file"}, {text}} {
		code, out, errs := replayed(args...)
		require.Equal(t, 2, code)
		require.Empty(t, out)
		require.Equal(t, 1, strings.Count(errs, "\n"), errs)
	}
}
