package hashvec

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/internal/oracle"
)

// check runs a file of vectors: every case must pass.
func check(t *testing.T, name string) {
	f, err := oracle.Open(name)
	require.NoError(t, err)
	defer f.Close()
	rep, err := Run(f)
	require.NoError(t, err)
	t.Logf("%+v", rep)
	require.Zero(t, rep.Failed, rep.First)
	require.Equal(t, rep.Cases, rep.Passed)
	require.Positive(t, rep.Cases)
	kind, _, _ := strings.Cut(filepath.Base(name), "_")
	require.Equal(t, kind, rep.Kind)
}

// TestRecorded runs every recorded vector.
func TestRecorded(t *testing.T) {
	if testing.Short() {
		t.Skip("full recordings")
	}
	for _, name := range oracle.Glob("vectors/*.jsonl.gz") {
		t.Run(filepath.Base(name), func(t *testing.T) { check(t, name) })
	}
}

// TestSample runs the part of them that is in the repository.
func TestSample(t *testing.T) {
	names, err := filepath.Glob("testdata/*.jsonl.gz")
	require.NoError(t, err)
	require.NotEmpty(t, names)
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) { check(t, name) })
	}
}

// Wrong answers fail, and the first is told.
func TestFailures(t *testing.T) {
	for name, text := range map[string]string{
		"psize": `["0x5","0x80000d8800003c43",12]`,
		"slb":   `{"seq":0,"cpu":"power8","slb_size":32,"ops":[["slbmfev","0x1","0x0",0,"0x5"]],"final":[]}`,
		"slb 2": `{"seq":0,"cpu":"power8","slb_size":32,"ops":[],"final":[[1,"0x8000000","0x0"]]}`,
		"xlate": `{"id":7,"cpu":"power8","mach":"pseries","fmt":2,"hpt_shift":18,"msr":"0x0","slb":[],"hptes":[],"ea":"0x1","acc":"R","gv":1,"ok":1,"ra":"0x2","ps":12,"prot":7}`,
	} {
		rep, err := Run(strings.NewReader(text + "\n"))
		require.NoError(t, err, name)
		require.Equal(t, Report{Kind: strings.Fields(name)[0], Cases: 1, Failed: 1, First: rep.First}, rep, name)
		require.NotEmpty(t, rep.First, name)
	}
}

// What cannot be read is an error that says where.
func TestUnreadable(t *testing.T) {
	for text, want := range map[string]error{
		"":                              ErrKind,
		"{}\n":                          ErrKind,
		`["0x1","0x2",12,3`:             ErrFormat,
		`["0x1","0x2",12]` + "\n" + "x": ErrFormat,
		`{"seq":0,"cpu":"6502","slb_size":32,"ops":[]}`:                                 ErrFormat,
		`{"seq":0,"cpu":"power8","slb_size":32,"ops":[["slbxyz","0x1","0x0",0,"0x0"]]}`: ErrFormat,
		`{"seq":0,"cpu":"power8","slb_size":32,"ops":[["slbie","0x1"]]}`:                ErrFormat,
		`{"cpu":"power8","hpt_shift":99,"ea":"0x1","acc":"R"}`:                          ErrFormat,
		`{"cpu":"power8","hpt_shift":18,"ea":"0x1","acc":"Q"}`:                          ErrFormat,
		`{"cpu":"power8","hpt_shift":18,"hptes":[[99999,1,2]],"ea":"0x1","acc":"R"}`:    ErrFormat,
		`{"cpu":"power8","hpt_shift":18,"slb":[[1,"0x1000",0]],"ea":"0x1","acc":"R"}`:   ErrFormat,
	} {
		_, err := Run(strings.NewReader(text))
		require.ErrorIs(t, err, want, text)
	}
}

// FuzzRun: no text makes a runner panic.
func FuzzRun(f *testing.F) {
	f.Add([]byte(`["0x1","0x80000d8800003c43",12]`))
	f.Add([]byte(`{"seq":0,"cpu":"power9","slb_size":32,"ops":[["slbmte","0x8000000","0x0",0,"0x0"]],"final":[]}`))
	f.Add([]byte(`{"id":7,"cpu":"power8","mach":"powernv","fmt":2,"hpt_shift":18,"msr":"0x30","slb":[[0,"0x8000000","0x0"]],"hptes":[[0,"0x1","0x0"]],"ea":"0x1","acc":"R","gv":1,"ok":0}`))
	f.Add([]byte("{\"seq\":0,\"cpu\":\"power8\",\"hpt_shift\":18,\"ram_size\":\"0x20000000\",\"nops\":52}\n{\"op\":\"0x8\",\"in\":[\"0x0\",\"0x0\",\"0x1\",\"0x10\"],\"ret\":0,\"out\":[\"0x0\"],\"chg\":[]}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s := string(text)
		if strings.Count(s, `hpt_shift`) != strings.Count(s, `"hpt_shift":18,`) || strings.Contains(s, "before") {
			t.Skip("other orders only cost memory")
		}
		if rep, err := Run(strings.NewReader(s)); err == nil {
			require.Equal(t, rep.Cases, rep.Passed+rep.Failed)
		}
	})
}
