package main

import (
	"image"
	"image/color"
	"image/png"
	"math/bits"
	"os"

	"github.com/hashmmu/ppc64/hpt"
)

// writePNG draws the table, one pixel a group, row by row: black is empty, white
// full; green are groups with bolted entries, and brighter as they fill.
func writePNG(name string, t *hpt.Table) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := png.Encode(f, picture(t)); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// picture is as wide as it is high, or half as high.
func picture(t *hpt.Table) image.Image {
	width := 1 << ((bits.Len64(t.Mask()) + 1) / 2)
	p := image.NewRGBA(image.Rect(0, 0, width, int(t.Groups())/width))
	for g := range t.Groups() {
		entries, bolted := 0, false
		for _, h := range t.Group(g) {
			entries++
			bolted = bolted || h.Bolted()
		}
		light := uint8(entries * 255 / 8)
		c := color.RGBA{light, light, light, 255}
		if bolted {
			c = color.RGBA{0, light/2 + 127, 0, 255}
		}
		p.Set(int(g)%width, int(g)/width, c)
	}
	return p
}
