package e2e_test

import (
	"reflect"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/wire"
	"github.com/stretchr/testify/require"
)

// Odd bodies have the same result with every release of Go: the object, as it is sent
// back, or an error that quotes no value.
func TestOddBodies(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		typ        reflect.Type
		body, want string
		err        string
	}{
		{typ: typeOf[apono.Ref](), body: `{"id":"a","name":"b"}`, want: `{"id":"a","name":"b"}`},
		{typ: typeOf[apono.Ref](), body: "\ufeff" + `{"id":"a"}`, want: `{"id":"a","name":""}`},
		{typ: typeOf[apono.Ref](), body: `{"name":null,"id":"a"}`, want: `{"id":"a","name":""}`},
		{typ: typeOf[apono.Ref](), body: `{"id":"a","id":"b"}`, want: `{"id":"b","name":""}`},
		{typ: typeOf[apono.Ref](), body: `{"ID":"a"}`, want: `{"id":"","name":"","ID":"a"}`},
		{typ: typeOf[apono.Ref](), body: `{"id":"a","x":{"z":1,"a":1.0,"z":2}}`, want: `{"id":"a","name":"","x":{"z":1,"a":1.0,"z":2}}`},
		{typ: typeOf[apono.Ref](), body: "{\"id\":\"\xff\"}", want: `{"id":"�","name":""}`},
		{typ: typeOf[apono.Ref](), body: `{"id":"\ud800"}`, want: `{"id":"�","name":""}`},
		{typ: typeOf[apono.Ref](), body: `{"id":7}`, err: "id: cannot unmarshal number into Go string"},
		{typ: typeOf[apono.Ref](), body: `{"id":["hunter2"]}`, err: "id: cannot unmarshal array into Go string"},
		{typ: typeOf[apono.Ref](), body: `[]`, err: "cannot unmarshal array into Go struct"},
		{typ: typeOf[apono.Ref](), body: `{"id":"a"} {}`, err: "invalid character '{' after top-level value"},
		{typ: typeOf[apono.Ref](), body: `{"id":"a"`, err: "unexpected EOF"},
		{typ: typeOf[apono.Ref](), body: ` null `, err: "the body is null"},
		{typ: typeOf[apono.Ref](), body: ` `, err: "the body is empty"},
		{typ: typeOf[apono.AccessGroup](), body: `{"integration":null,"resource_types":[{"id":"a"}]}`, want: `{"integration":{"id":"","name":""},"resource_types":[{"id":"a","label":""}]}`},
		{typ: typeOf[apono.AccessGroup](), body: `{"resource_types":null}`, want: `{"integration":{"id":"","name":""},"resource_types":[]}`},
		{typ: typeOf[apono.AccessGroup](), body: `{"resource_types":{}}`, err: "resource_types: cannot unmarshal object into Go slice"},
		{typ: typeOf[apono.IdentityAttributesSummary](), body: `{"total":60.0,"succeeded":6e1,"failed":-0}`, want: `{"total":60,"succeeded":60,"failed":0}`},
		{typ: typeOf[apono.IdentityAttributesSummary](), body: `{"total":1.5}`, err: "total: not an integer"},
		{typ: typeOf[apono.IdentityAttributesSummary](), body: `{"total":1e400}`, err: "total: number out of the range of int"},
		{typ: typeOf[apono.IdentityAttributes](), body: `{"email":"a","attributes":{"b":"2","a":"1","b":"3"}}`, want: `{"email":"a","attributes":{"a":"1","b":"3"}}`},
		{typ: typeOf[apono.IdentityAttributes](), body: `{"attributes":{"a":{}}}`, err: "attributes.a: cannot unmarshal object into Go string"},
		{typ: typeOf[apono.ConnectorSession](), body: `{"id":"a","metadata":{},"last_connected_time":"2026-03-05 07:08"}`, want: `{"id":"a","metadata":{},"last_connected_time":"2026-03-05T07:08:00Z"}`},
		{typ: typeOf[apono.ConnectorSession](), body: `{"last_connected_time":"hunter2"}`, err: "last_connected_time: not a time in RFC 3339 or ISO 8601"},
	} {
		value := reflect.New(test.typ).Interface()
		err := wire.Unmarshal([]byte(test.body), value)
		if test.err != "" {
			require.EqualError(t, err, test.err, test.body)
			continue
		}
		require.NoError(t, err, test.body)
		written, err := wire.Marshal(value)
		require.NoError(t, err)
		require.Equal(t, test.want, string(written), test.body)
	}
}
