package hashvec

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// VSID 0x123, page 5: group 0x126 in every table.
const resizeGood = `{"rs":4,"cpu":"power8","hpt_shift":18,"ram_size":"0x20000000",` +
	`"before":[[2352,"0x123011","0x1010"],[2353,"0x123001","0x2010"]],` +
	`"ops":[["0x36c","0x0","0x13",9902],["0x370","0x0","0x13",1],["0x36c","0x0","0x13",0],["0x370","0x0","0x13",0]],` +
	`"after":[[2352,"0x123011","0x1010"]],"final_shift":19}`

func TestResizeFailures(t *testing.T) {
	rep, err := Run(strings.NewReader(resizeGood))
	require.NoError(t, err)
	require.Equal(t, Report{Kind: "resize", Cases: 1, Passed: 1}, rep)
	for what, edit := range map[string][2]string{
		"code":         {`"0x13",1]`, `"0x13",2]`},
		"limit":        {`"0x13",9902`, `"0x18",9902`},
		"order":        {`"final_shift":19`, `"final_shift":18`},
		"content":      {`"after":[[2352`, `"after":[[2353`},
		"entry":        {`"after":[[2352,"0x123011","0x1010"]]`, `"after":[[2352,"0x123011","0x1011"]]`},
		"more entries": {`"after":[[2352,"0x123011","0x1010"]]`, `"after":[]`},
		"slot outside": {`"after":[[2352`, `"after":[[65536`},
	} {
		rep, err := Run(strings.NewReader(strings.Replace(resizeGood, edit[0], edit[1], 1)))
		require.NoError(t, err, what)
		require.Equal(t, 1, rep.Failed, what)
		require.Contains(t, rep.First, "resize 4: ", what)
	}
}

func TestResizeUnreadable(t *testing.T) {
	for what, edit := range map[string][2]string{
		"operation": {`["0x370","0x0","0x13",1]`, `["0x370","0x0","0x13"]`},
		"number":    {`["0x370"`, `["x"`},
		"slot":      {`[2353,`, `[16384,`},
		"order":     {`"hpt_shift":18`, `"hpt_shift":17`},
	} {
		_, err := Run(strings.NewReader(strings.Replace(resizeGood, edit[0], edit[1], 1)))
		require.ErrorIs(t, err, ErrFormat, what)
	}
}
