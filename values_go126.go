//go:build !go1.27 || !goexperiment.jsonv2

package apono

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/apono-go/apono/internal/wire"
)

// MarshalJSONTo writes the object with its numbers as they are. In this build,
// encoding/json/v2 would write a json.Number as a string.
func (o Object) MarshalJSONTo(enc *jsontext.Encoder) error { return wire.MarshalObject(enc, o) }
