package image_test

import (
	"bytes"
	"fmt"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/image"
	"github.com/hashmmu/ppc64/pte"
)

// A table is sent as KVM would, and read by somebody who knows nothing of it.
func Example() {
	table, _ := hpt.New(hpt.Config{Order: 20})
	defer table.Close()
	table.StoreRaw(77, pte.HPTE{V: 0x1234<<7 | pte.VValid, R: 0x5010})
	var stream bytes.Buffer
	counts, _ := image.WriteHTAB(&stream, table, image.WriteOptions{})
	fmt.Println(counts.Valid, "entry,", counts.Invalid, "empty slots")

	file, size := bytes.NewReader(stream.Bytes()), int64(stream.Len())
	fmt.Println(image.Recognize(file, size))
	copied, err := image.ReadStream(file, size, image.Options{})
	fmt.Println("order", copied.Order(), err)
	defer copied.Close()
	for slot, entry := range copied.All() {
		fmt.Println(slot, entry)
	}
	// Output:
	// 1 entry, 65535 empty slots
	// KVM HTAB stream
	// order 20 <nil>
	// 77 0x0000000000091a01:0x0000000000005010
}
