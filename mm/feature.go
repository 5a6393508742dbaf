package mm

import (
	"errors"
	"fmt"
)

// ErrUnsupported reports an operation that the kernel does not have yet.
var ErrUnsupported = errors.New("mm: no such operation in this kernel")

// UnsupportedError names the operation and the kernel.
type UnsupportedError struct {
	Feature Feature
	Kernel  string
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("mm: no %v in Linux %s", e.Feature, e.Kernel)
}

// Unwrap makes errors.Is(err, ErrUnsupported) true.
func (e *UnsupportedError) Unwrap() error { return ErrUnsupported }

// Feature is a set of what only some kernels have.
type Feature uint16

// The features, with the first Linux that has them.
const (
	MadvFree        Feature = 1 << iota // MADV_FREE, 4.5
	MadvCold                            // MADV_COLD and MADV_PAGEOUT, 5.4
	NUMAHinting                         // PTEs that fault so that the kernel sees who uses a page, 3.8
	ClearRefs                           // /proc/PID/clear_refs, 2.6.22
	SoftDirty                           // soft-dirty bits, 3.11
	LargeFolios                         // compound pages that PTEs map, 4.5
	DeviceMemory                        // migrate_vma, private pages that move to a device, 4.14
	TransparentHuge                     // transparent huge pages, 2.6.38; with hash translation only for 64K base pages
	SubpageProt                         // system call subpage_prot, 2.6.25, with 64K base pages
)

var featureNames = map[Feature]string{
	MadvFree: "MADV_FREE", MadvCold: "MADV_COLD and MADV_PAGEOUT", NUMAHinting: "NUMA hinting",
	ClearRefs: "clear_refs", SoftDirty: "soft-dirty bits", LargeFolios: "large folios mapped by PTEs",
	DeviceMemory: "migration to device memory", TransparentHuge: "transparent huge pages", SubpageProt: "subpage_prot",
}

func (f Feature) String() string {
	if s, ok := featureNames[f]; ok {
		return s
	}
	return fmt.Sprintf("Feature(%#x)", uint16(f))
}

// Has reports whether the kernel has all of f.
func (k *Kernel) Has(f Feature) bool { return k.Features&f == f }

// need returns an *UnsupportedError when the kernel lacks f.
func (k *Kernel) need(f Feature) error {
	if !k.Has(f) {
		return &UnsupportedError{f, k.Name}
	}
	return nil
}
