package scenario

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/explore"
)

// Path is one way in which Linux changes present PTEs, with all that is known
// about whether it can leave two hash table entries for a page.
type Path struct {
	Name      string
	Trigger   string      // what other CPUs must be doing for it to go wrong
	Scenarios []*Scenario // all are explored, the worst verdict counts
	In        []InKernel  // the kernels that have the path
	// Unbatched says that what goes wrong has nothing to do with the batch, so that
	// no Fix is about it.
	Unbatched bool
}

// InKernel is a path in one kernel: what reading its source says, what a guest
// that runs it was seen to do, and what exploring comes to.
type InKernel struct {
	Kernel    *mm.Kernel
	Functions []string // where to look, "file:function"
	Predicted Prediction
	Why       string // the prediction's reason, a sentence
	Measured  Measured
	Verdict   Verdict // what exploring the path comes to
	// FramesDiffer says that exploring finds two entries that name different frames,
	// so that what one CPU stores another does not read.
	FramesDiffer bool
	// Note says why prediction, measurement and verdict are not the same.
	Note string
}

// Prediction is what the source says to a reader.
type Prediction string

// The predictions.
const (
	LooksSafe      Prediction = "safe"      // never open
	LooksClosed    Prediction = "closed"    // open but for lazy MMU mode, the repair of 2007
	LooksStale     Prediction = "stale"     // an old page stays reachable
	LooksDuplicate Prediction = "duplicate" // open
)

// agrees tells whether the verdict is what was predicted.
func (p Prediction) agrees(v Verdict) bool {
	switch p {
	case LooksDuplicate:
		return v == Duplicate
	case LooksStale:
		return v == Stale
	}
	return v == Proved
}

// Measured is what was counted in a running guest: hash hypercalls of an
// unmodified Linux 6.1.176, two virtual CPUs that race for some ten thousand
// rounds. The zero value means that it was not run; 2.6.20 never was.
type Measured struct {
	Found Verdict // Duplicate, Stale, or none of both: ""
	Count string  // how often, in how much
}

func (m Measured) String() string {
	switch {
	case m.Count == "":
		return "not run"
	case m.Found == "":
		return "none in " + m.Count
	}
	return fmt.Sprintf("%s: %s", m.Found, m.Count)
}

// agrees tells whether the verdict is what was measured, as far as it was.
func (m Measured) agrees(v Verdict) bool {
	return m.Count == "" || m.Found == v || m.Found == "" && v == Proved
}

// Paths lists the paths.
func Paths() []*Path {
	return slices.Concat(rangePaths, protectPaths, faultPaths, rmapPaths, copyPaths, refsPaths, madvisePaths, largePaths)
}

// PathNames lists their names.
func PathNames() []string {
	var names []string
	for _, p := range Paths() {
		names = append(names, p.Name)
	}
	return names
}

// PathNamed returns the path with the given name.
func PathNamed(name string) (*Path, error) {
	for _, p := range Paths() {
		if p.Name == name {
			return p, nil
		}
	}
	return nil, fmt.Errorf("scenario: unknown path %q; one of %s", name, strings.Join(PathNames(), " "))
}

// InKernel returns what is known of the path in a kernel, nil where that does not
// have it.
func (p *Path) InKernel(k *mm.Kernel) *InKernel {
	for i := range p.In {
		if p.In[i].Kernel == k {
			return &p.In[i]
		}
	}
	return nil
}

// PathResult is what exploring a path in a kernel came to.
type PathResult struct {
	Path *Path
	In   *InKernel
	Result
	FramesDiffer bool // in any of the scenarios
}

// Documented tells whether the result is the documented one.
func (r *PathResult) Documented() bool {
	return r.Verdict == r.In.Verdict && r.FramesDiffer == r.In.FramesDiffer
}

// RunPath explores the scenarios of a path in a kernel that has it. The kernel
// is in's, whatever cfg says. An error means that no verdict was reached.
func RunPath(ctx context.Context, p *Path, in *InKernel, cfg Config, ex explore.Config) (PathResult, error) {
	out := PathResult{Path: p, In: in}
	cfg.Kernel = in.Kernel
	for _, sc := range p.Scenarios {
		for _, v := range sc.Vary {
			one, err := RunVariant(ctx, sc, v, cfg, ex)
			if err != nil {
				return out, fmt.Errorf("%s, %s, %s: %w", p.Name, sc.Name, v.Name, err)
			}
			out.FramesDiffer = out.FramesDiffer || one.framesDiffer()
			out.Result = out.Result.worse(one)
		}
	}
	return out, nil
}
