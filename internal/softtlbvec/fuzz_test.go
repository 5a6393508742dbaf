package softtlbvec

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzParseValues: what the parser takes, encoding/json takes too and reads the
// same; what it refuses it refuses with a typed error.
func FuzzParseValues(f *testing.F) {
	for _, s := range []string{`[]`, `[["tlbwi",3,0],["x","K",-1]]`, `["0x1f", 007]`, `[[[[[[[[[[]]]]]]]]]]`, `["\u0041"]`, `[1.5]`,
		` [ 1 , [ "a" ] ] `, `[9223372036854775808]`, `[1`, `[-]`, `["a]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		values, err := ParseValues(b)
		if err != nil {
			require.ErrorIs(t, err, ErrFormat)
			return
		}
		var want []any
		d := json.NewDecoder(bytes.NewReader(b))
		d.UseNumber()
		require.NoError(t, d.Decode(&want))
		equalValues(t, want, values)
	})
}

func equalValues(t *testing.T, want []any, got []Value) {
	require.Len(t, got, len(want))
	for i, w := range want {
		switch w := w.(type) {
		case json.Number:
			n, err := w.Int64()
			require.NoError(t, err)
			require.Equal(t, Value{Kind: Number, Num: n}, got[i])
		case string:
			require.Equal(t, Value{Kind: String, Str: w}, got[i])
		case []any:
			require.Equal(t, List, got[i].Kind)
			equalValues(t, w, got[i].List)
		default:
			t.Fatalf("%T", w)
		}
	}
}

// FuzzRun: any text runs or is refused with a typed error; it never panics.
func FuzzRun(f *testing.F) {
	for _, s := range fuzzSeeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		res, err := Run(strings.NewReader(text))
		if err != nil {
			require.True(t, errors.Is(err, ErrFormat) || errors.Is(err, ErrUnknown), "%v", err)
			return
		}
		require.Equal(t, res.Cases, res.Passed+res.Failed)
		require.LessOrEqual(t, res.Departed, res.Passed)
		require.Equal(t, res.Failed == 0, res.First == "")
	})
}

// fuzzSeeds are small recordings of several families.
var fuzzSeeds = []string{
	`{"cpu":"R4000","seq":0,"n":1,"init":"unique","segbits":40,"pabits":36,"config5mi":0,"pagegrain":"0x0","asidmask":"0xff","r6":0,` +
		`"ops":[["status","0xe0"],["mtc0","EntryHi","0x2000","0x2000"],["mtc0","EntryLo0","0x46","0x46"],["tlbwi",0,0],["tlbp",1,"0x0"],` +
		`["x","K","L","0x2004",1,"ok","0x1004",7]],"tlb":[["0x2000","0x0",0,"0x0","0x1000",3,"0x0",0]]}`,
	`{"cpu":"UltraSPARC-IIi","seq":0,"n":4,"ops":[["wr","D","tag_access","0x2000"],["datain","D","0x8000000000100000",0,0],` +
		`["x","L","K","0x2008",1,"ok","0x100008",1,0],["demap","D","0x2000"],["tsbptr","I","0x2000","0x1","0x10","0x0","0x0"]],"tlb":[]}`,
	`["state",1,"0x0",[["0x0","0x0",0,"0x0","0x0",0,"0x0",0]]]` + "\n" + `["tlbwi",0,"0x2007","0x0","0x46","0x0"]` + "\n" +
		`["x","U","L","0x2000","0x7","ok","0x1000",7]` + "\n" + `["state",1,"0x0",[["0x2000","0x0",0,"0x7","0x1000",3,"0x0",0]]]`,
	`{"cpu":"440","seq":0,"n":4,"ops":[["tlbwe",0,1,"0x1210",0],["msr","0x20"],["x","F","0x1000",1,"ITLB","0x1000","0x0"]],"tlb":[]}`,
	`{"cpu":"unknown","seq":1,"ops":[],"tlb":[]}`,
}

// TestRunRefusals: what is wrong is said, with line and operation.
func TestRunRefusals(t *testing.T) {
	good := fuzzSeeds[0]
	for _, x := range []struct {
		text string
		is   error
		says string
	}{
		{"", ErrUnknown, "no recording"},
		{"{}", ErrUnknown, "no recording"},
		{fuzzSeeds[4], ErrUnknown, `cpu "unknown"`},
		{good + "\n{", ErrFormat, "line 2"},
		{strings.Replace(good, `"n":1`, `"n":0`, 1), ErrFormat, "MIPS.Entries"},
		{strings.Replace(good, `"n":1,`, ``, 1), ErrFormat, "header n"},
		{strings.Replace(good, `"tlbp",1`, `"tlbq",1`, 1), ErrFormat, `no MIPS operation "tlbq"`},
		{strings.Replace(good, `"EntryHi"`, `"EntryTop"`, 1), ErrFormat, `no register "EntryTop"`},
		{strings.Replace(good, `"0x1004",7`, `"0x1004"`, 1), ErrFormat, "element"},
		{strings.Replace(good, `"0x1004",7`, `"0x1004",7,9`, 1), ErrFormat, "element"},
		{strings.Replace(good, `0]]}`, `0],0]}`, 1), ErrFormat, "final entries"},
		{fuzzSeeds[2] + "\n" + `["tlbp"]`, ErrFormat, "starts and ends"},
	} {
		_, err := Run(strings.NewReader(x.text))
		require.ErrorIs(t, err, x.is, x.text)
		require.ErrorContains(t, err, x.says)
	}
}

// TestRunFindsDisagreement: a recording with one wrong answer fails there.
func TestRunFindsDisagreement(t *testing.T) {
	for _, x := range []struct{ seed, old, new, first string }{
		{fuzzSeeds[0], `"0x1004",7`, `"0x1008",7`, "op 5 x: pa 0x1004, recorded 0x1008"},
		{fuzzSeeds[0], `["tlbwi",0,0]`, `["tlbwi",0,1]`, "op 3 tlbwi: overlap 0, recorded 1"},
		{fuzzSeeds[1], `"0x100008",1,0`, `"0x100008",3,0`, "op 2 x: prot 1, recorded 3"},
		{fuzzSeeds[2], `"ok","0x1000",7`, `"refill"`, "event 2 x: result ok, recorded refill"},
		{fuzzSeeds[2], `"0x1000",3,"0x0",0]]]`, `"0x1000",1,"0x0",0]]]`, "event 2 x: final entry 0"},
	} {
		res, err := Run(strings.NewReader(strings.Replace(x.seed, x.old, x.new, 1)))
		require.NoError(t, err)
		require.Equal(t, 1, res.Failed)
		require.Contains(t, res.First, x.first)
	}
}
