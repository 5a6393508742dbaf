package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/internal/cli/clitest"
	"github.com/hashmmu/ppc64/internal/replay"
)

var elapsed = regexp.MustCompile(`("elapsed_ms":|records in )\d+`)

// TestShipped pins what is printed, elapsed time aside.
func TestShipped(t *testing.T) {
	code, out, errs := clitest.Run(run, "", "-json")
	require.Zero(t, code, errs)
	require.Equal(t, `{"file":"shipped","records":110001,"hcalls":68427,"xlates":41475,"slbops":94,"tlbies":0,`+
		`"syncs":0,"checked":109996,"mismatches":0,"departed":65,"first":"","elapsed_ms":0}`+"\n", elapsed.ReplaceAllString(out, "${1}0"))
	code, out, errs = clitest.Run(run, "")
	require.Zero(t, code, errs)
	require.Equal(t, `shipped: 110001 records in 0 ms
    68427 hypercalls
    41475 translations
       94 SLB instructions
        0 tlbie
        0 entries changed by other means
   109996 answers compared, 0 differ
       65 of them not as the architecture has it
`, elapsed.ReplaceAllString(out, "${1}0"))
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
	code, out, errs := clitest.Run(run, "", "-json", name)
	require.Equal(t, 1, code, errs)
	require.Contains(t, out, `"mismatches":1,`)
	require.Contains(t, out, "H_SUCCESS")
	require.Contains(t, out, "recorded H_PARTIAL")
	code, out, _ = clitest.Run(run, "", name)
	require.Equal(t, 1, code)
	require.Contains(t, out, "first: record ")
}

func TestUnusable(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text")
	require.NoError(t, os.WriteFile(text, []byte("no trace at all"), 0o600))
	clitest.Refuses(t, run, "not defined: -x", "", "-x")
	clitest.Refuses(t, run, "no-such-file: no such file", "", "no-such-file")
	clitest.Refuses(t, run, "directory", "", ".")
	clitest.Refuses(t, run, "magic", "", text)
	clitest.Refuses(t, run, "-: image: bad format: at byte 0: magic", "", "-")
	clitest.Refuses(t, run, "cut short: unexpected EOF", string(replay.Shipped[:1000]), "-")
}
