//go:build goexperiment.jsonv2 && !go1.27

package wire

import "encoding/json/v2"

// errSkip makes the decoder use its own way of reading a value. Go 1.26 with
// GOEXPERIMENT=jsonv2 has another error for it.
var errSkip = json.SkipFunc
