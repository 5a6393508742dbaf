package replay

import _ "embed"

// Shipped is a recorded trace, gzip'ed: the beginning of a Linux 6.1 boot on a
// pseries POWER9, from the empty table on. Of the translations that neither
// failed nor changed anything only one in 200 is kept.
//
//go:embed testdata/ps9.trc.gz
var Shipped []byte
