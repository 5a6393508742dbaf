package softtlbvec

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/internal/oracle"
)

// TestPPCHeaderIsEnough: a CPU that no profile is named after runs from the
// header of its recording alone.
func TestPPCHeaderIsEnough(t *testing.T) {
	cpu := regexp.MustCompile(`"cpu":"[^"]*"`)
	for _, kind := range []string{"405", "440", "603", "e500v2", "e500mc", "e5500", "e6500"} {
		names, err := filepath.Glob("testdata/" + kind + "_*.gz")
		require.NoError(t, err)
		require.NotEmpty(t, names)
		for _, name := range names {
			f, err := oracle.Open(name)
			require.NoError(t, err)
			text, err := io.ReadAll(f)
			require.NoError(t, err)
			require.NoError(t, f.Close())
			res, err := Run(bytes.NewReader(cpu.ReplaceAll(text, []byte(`"cpu":"nameless"`))))
			require.NoError(t, err)
			require.Empty(t, res.First, name)
			require.Equal(t, res.Cases, res.Passed)
		}
	}
}

// TestPPCNoticesDifferences: a recording changed in one answer fails one case.
func TestPPCNoticesDifferences(t *testing.T) {
	for _, seed := range ppcSeeds {
		res, err := Run(strings.NewReader(seed))
		require.NoError(t, err)
		require.Empty(t, res.First)
		changed := strings.Replace(seed, `"ok","0x5678"`, `"DSI","0x5678"`, 1)
		require.NotEqual(t, seed, changed)
		_, err = Run(strings.NewReader(changed))
		require.ErrorIs(t, err, ErrFormat, "columns no longer fit")
		res, err = Run(strings.NewReader(strings.Replace(seed, `0x5678",`, `0x5679",`, 1)))
		require.NoError(t, err)
		require.Equal(t, 1, res.Failed)
		require.Contains(t, res.First, "0x5678")
		end := strings.Index(seed, `"tlb":[`)
		res, err = Run(strings.NewReader(seed[:end] + `"tlb":[]}`))
		require.NoError(t, err)
		require.Equal(t, 1, res.Failed)
		require.Contains(t, res.First, "final row 0")
	}
}

// FuzzPPC: whatever the text, the runner answers with counts or an error.
func FuzzPPC(f *testing.F) {
	for _, s := range ppcSeeds {
		f.Add(s)
		f.Add(strings.Replace(s, `"n":64`, `"n":0`, 1))
		f.Add(strings.Replace(s, "[512,4]", "[0,0]", 1))
	}
	f.Fuzz(func(t *testing.T, text string) {
		res, err := Run(strings.NewReader(text))
		if err != nil {
			require.True(t, errors.Is(err, ErrFormat) || errors.Is(err, ErrUnknown), "%v", err)
			return
		}
		require.Equal(t, res.Cases, res.Passed+res.Failed)
	})
}

// ppcSeeds are one small recording per family.
var ppcSeeds = []string{
	`{"cpu":"405gpb","seq":0,"n":64,"msr":"0x10","ops":[["tlbwe",1,3,"0x5300",0],["tlbwe",0,3,"0x10c0",0],` +
		`["tlbre",0,3,"0x10c0","0x0"],["tlbsx","0x1678",1,3],["x","L","0x1678",1,"ok","0x5678",7]],` +
		`"tlb":[[3,"0x1000","0x1000",1,0,0,"0x5000","0x7","0x0"]]}`,
	`{"cpu":"440epb","seq":0,"n":64,"ops":[["mtspr","MMUCR","0x1"],["mtspr","PID","0x1"],["tlbwe",1,2,"0x5000",0],["tlbwe",2,2,"0x3f",0],` +
		`["tlbwe",0,2,"0x1210",0],["tlbsx","0x1678",1,1,2],["x","L","0x1678",1,"ok","0x5678",7]],` +
		`"tlb":[[2,"0x1000","0x1000",1,0,1,"0x5000","0x3f","0x0"]]}`,
	`{"cpu":"e500mc","seq":0,"tlb0":[512,4],"tlb1":[64,64],"tlb1ps":"0x1555554","mmucfg":"0x0","msr":"0x0","multipid":0,"ops":[` +
		`["mtspr","MAS0","0x20000"],["mtspr","MAS1","0x80000100"],["mtspr","MAS2","0x1000"],["mtspr","MAS3","0x503f"],` +
		`["tlbwe","ok",0,1,2,0],["x","L","0x1678",1,"ok","0x5678",7],["tlbilx",1,"0x0"],["mmucsr0",2]],` +
		`"tlb":[[0,1,2,"0x100","0x1000","0x503f"]]}`,
	`{"cpu":"603","seq":0,"n":64,"ways":2,"msr":"0x30","sdr1":"0x0","sr":["0x0","0x0","0x0","0x0","0x0","0x0","0x0","0x0","0x0",` +
		`"0x0","0x0","0x0","0x0","0x0","0x0","0x0"],"ops":[["tlbld","0x1000",1,"0x80000000","0x5182",0],` +
		`["x","L","0x1678",1,"ok","0x5678",7]],"tlb":[["D",1,1,"0x1000","0x80000000","0x5182"]]}`,
}
