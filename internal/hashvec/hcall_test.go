package hashvec

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	hcallHeader = `{"seq":3,"cpu":"power8","hpt_shift":18,"ram_size":"0x20000000","nops":2}` + "\n"
	hcallEnter  = `{"op":"0x8","in":["0x0","0x9","0x701","0x1010"],"ret":0,"out":["0x8"],"chg":[[8,"0x741","0x1010"]]}` + "\n"
	hcallSetC   = `{"op":"set_c","ptex":8,"chg":[[8,"0x741","0x1090"]]}` + "\n"
	hcallRemove = `{"op":"0x4","in":["0x0","0x8","0x0"],"ret":0,"out":["0x741","0x1090"],"chg":[[8,"0x40","0x0"]]}` + "\n"
	hcallEnd    = `{"end":3,"sha256":"SHA","nonzero":1,"valid":0}` + "\n"
)

// A falsified answer of any part is a failure of that case.
func TestHcallFailures(t *testing.T) {
	good := hcallHeader + hcallEnter + hcallSetC + hcallRemove
	rep, err := Run(strings.NewReader(good))
	require.NoError(t, err)
	require.Equal(t, Report{Kind: "hcall", Cases: 3, Passed: 3, Departed: 2}, rep) // 0x40 in what is written
	for what, edit := range map[string][2]string{
		"code":            {`"ret":0,"out":["0x8"]`, `"ret":-6,"out":["0x8"]`},
		"result":          {`"out":["0x8"]`, `"out":["0x9"]`},
		"change":          {`[8,"0x741","0x1010"]`, `[8,"0x741","0x1011"]`},
		"other slot":      {`[[8,"0x741","0x1010"]]`, `[[9,"0x741","0x1010"]]`},
		"slot far away":   {`[[8,"0x40","0x0"]]`, `[[8,"0x40","0x0"],[800,"0x1","0x0"]]`},
		"change missing":  {`[[8,"0x40","0x0"]]`, `[]`},
		"walker's change": {`[[8,"0x741","0x1090"]]`, `[[8,"0x741","0x1190"]]`},
	} {
		rep, err := Run(strings.NewReader(strings.Replace(good, edit[0], edit[1], 1)))
		require.NoError(t, err, what)
		require.Equal(t, 1, rep.Failed, what)
		require.Contains(t, rep.First, "sequence 3, operation ", what)
	}
}

func TestHcallEnd(t *testing.T) {
	text := hcallHeader + hcallEnter + hcallEnd
	rep, err := Run(strings.NewReader(text))
	require.NoError(t, err)
	require.Equal(t, 1, rep.Failed)
	require.Contains(t, rep.First, "SHA-256")
}

func TestHcallUnreadable(t *testing.T) {
	for what, text := range map[string]string{
		"no operation": hcallHeader + `{"op":"0x","in":[]}`,
		"arguments":    hcallHeader + `{"op":"0x8","in":[0,0,0,0,0,0,0,0,0,0]}`,
		"results":      hcallHeader + `{"op":"0x8","out":[0,0,0,0,0,0,0,0,0,0]}`,
		"change":       hcallHeader + `{"op":"0x8","in":[],"chg":[[16384,0,0]]}`,
		"walker":       hcallHeader + `{"op":"set_r","ptex":16384,"chg":[]}`,
		"order":        strings.Replace(hcallHeader, "18", "17", 1),
	} {
		_, err := Run(strings.NewReader(text))
		require.ErrorIs(t, err, ErrFormat, what)
	}
}
