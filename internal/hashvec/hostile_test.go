package hashvec

import (
	"bytes"
	"errors"
	"testing"

	"github.com/hashmmu/ppc64/internal/hostile"
)

// TestHostile: cut, flipped and random vectors of each kind are refused by line.
func TestHostile(t *testing.T) {
	for kind, good := range map[string]string{
		"psize":  "[\"0x1\",\"0x80000d8800003c43\",12]\n[\"0x5\",\"0x80000d8800003c43\",16]",
		"slb":    `{"seq":0,"cpu":"power9","slb_size":32,"ops":[["slbmte","0x8000000","0x0",0,"0x0"]],"final":[]}`,
		"xlate":  `{"id":7,"cpu":"power8","mach":"powernv","fmt":2,"hpt_shift":18,"msr":"0x30","slb":[[0,"0x8000000","0x0"]],"hptes":[[0,"0x1","0x0"]],"ea":"0x1","acc":"R","gv":1,"ok":0}`,
		"hcall":  "{\"seq\":0,\"cpu\":\"power8\",\"hpt_shift\":18,\"ram_size\":\"0x20000000\",\"nops\":52}\n{\"op\":\"0x8\",\"in\":[\"0x0\",\"0x0\",\"0x1\",\"0x10\"],\"ret\":0,\"out\":[\"0x0\"],\"chg\":[]}",
		"resize": resizeGood,
	} {
		t.Run(kind, func(t *testing.T) {
			hostile.Feed(t, []byte(good), func(n int) uint64 { return uint64(100*n + 8<<20) },
				func(b []byte) error { _, err := Run(bytes.NewReader(b)); return err },
				func(err error) bool {
					var line *LineError
					return errors.As(err, &line) && line.Line > 0
				})
		})
	}
}
