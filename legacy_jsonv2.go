//go:build go1.27 && goexperiment.jsonv2

package apono

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
)

// MarshalJSONTo writes the time of creation as the API does.
func (f AccessFlowV1) MarshalJSONTo(enc *jsontext.Encoder) error {
	return json.MarshalEncode(enc, f.fields())
}

// MarshalJSONTo writes the time of the last contact as the API does.
func (c ConnectorV2) MarshalJSONTo(enc *jsontext.Encoder) error {
	return json.MarshalEncode(enc, c.fields())
}

// MarshalJSONTo writes the time of the last sync as the API does.
func (i IntegrationV2) MarshalJSONTo(enc *jsontext.Encoder) error {
	return json.MarshalEncode(enc, i.fields())
}
