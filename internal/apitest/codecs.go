package apitest

import (
	"encoding/json"

	"github.com/apono-go/apono/internal/wire"
	jsonv2 "github.com/go-json-experiment/json"
)

// Codecs are the packages with which programs may encode and decode models.
var Codecs = map[string]struct {
	Marshal   func(any) ([]byte, error)
	Unmarshal func([]byte, any) error
}{
	"encoding/json": {json.Marshal, json.Unmarshal},
	"version 2": {
		func(v any) ([]byte, error) { return jsonv2.Marshal(v) },
		func(data []byte, v any) error { return jsonv2.Unmarshal(data, v) },
	},
	"this module": {wire.Marshal, wire.Unmarshal},
}
