package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

// segment is one segment of the address space to list: its identifier, and the
// effective address where it begins, if an SLB says that.
type segment struct {
	vsid pte.VSID
	seg  pte.SegSize
	base pte.EA
	any  bool // of any size, at an address that nobody knows
}

// listed is an entry of the address space as -json prints it. EA counts from the
// beginning of the segment where no SLB says where that is.
type listed struct {
	VSID      pte.VSID     `json:"vsid"`
	Seg       pte.SegSize  `json:"seg"`
	EA        pte.EA       `json:"ea"`
	RA        pte.RA       `json:"ra"`
	Size      hpt.SizePair `json:"size"`
	Prot      pte.Access   `json:"prot"` // what user code may do where Ks and Kp are set
	Slot      pte.Slot     `json:"slot"`
	Secondary bool         `json:"secondary"`
	Bolted    bool         `json:"bolted"`
	Accessed  bool         `json:"r"`
	Changed   bool         `json:"c"`
}

// pagesOf lists the entries of the segments, by address.
func pagesOf(t *hpt.Table, segments []segment) []listed {
	var out []listed
	for s, h := range t.All() {
		k, actual, err := t.Sizes().Key(h, s.Group(), t.Mask())
		if err != nil {
			continue // the report counts it
		}
		for _, g := range segments {
			if g.vsid != k.VSID || !g.any && g.seg != k.Seg {
				continue
			}
			// An entry of a large page stands for one base page of it.
			within := pte.RA(k.Offset()) & pte.RA(actual.Bytes()-1)
			out = append(out, listed{
				VSID: k.VSID, Seg: k.Seg, EA: g.base | k.Offset(), RA: h.RA(actual) | within, Size: hpt.SizePair{Base: k.Base, Actual: actual},
				Prot: h.Permits(true), Slot: s, Secondary: h.Secondary(), Bolted: h.Bolted(),
				Accessed: h.R&pte.RRef != 0, Changed: h.R&pte.RChg != 0,
			})
		}
	}
	slices.SortFunc(out, func(a, b listed) int {
		return cmp.Or(cmp.Compare(a.EA, b.EA), cmp.Compare(a.Slot, b.Slot))
	})
	return out
}

// printPages prints the list, as a table or as one JSON object a line.
func printPages(w io.Writer, pages []listed, asJSON bool) error {
	b := bufio.NewWriter(w)
	if !asJSON {
		fmt.Fprintf(b, "%d pages\n", len(pages))
		fmt.Fprintln(b, "effective address   real address        page/segment size  may  R C  slot")
	}
	for _, p := range pages {
		if asJSON {
			if err := json.NewEncoder(b).Encode(p); err != nil {
				return err
			}
			continue
		}
		where := ""
		if p.Secondary {
			where += " secondary"
		}
		if p.Bolted {
			where += " bolted"
		}
		fmt.Fprintf(b, "%#016x  %#016x  %-17s  %-3v  %s %s  %d%s\n", uint64(p.EA), uint64(p.RA),
			fmt.Sprintf("%v/%v", p.Size.Actual, p.Seg), p.Prot, bit(p.Accessed), bit(p.Changed), p.Slot, where)
	}
	return b.Flush()
}

func bit(set bool) string {
	if set {
		return "1"
	}
	return "0"
}

// readSLB reads the segments of an SLB: lines of slot, first and second doubleword,
// as registers dumps have them. Other lines are passed over; entries that are not
// valid too.
func readSLB(name string) ([]segment, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	const (
		valid = 0x08000000
		vsid  = 0x3ffffffffffff000
	)
	var out []segment
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		w := strings.Fields(lines.Text())
		if len(w) != 3 {
			continue
		}
		esid, err1 := strconv.ParseUint(w[1], 0, 64)
		word, err2 := strconv.ParseUint(w[2], 0, 64)
		if err1 != nil || err2 != nil || esid&valid == 0 {
			continue
		}
		s := segment{seg: pte.SegSize(word >> 62)}
		switch s.seg {
		case pte.Seg256M:
			s.vsid = pte.VSID(word & vsid >> 12)
		case pte.Seg1T:
			s.vsid = pte.VSID(word & vsid >> 24)
		default:
			continue
		}
		s.base = pte.EA(esid &^ (s.seg.Bytes() - 1))
		out = append(out, s)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: no valid SLB entry; want lines of slot, ESID and VSID doubleword", name)
	}
	return out, nil
}
