package apono_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/apono-go/apono/internal/wire"
	jsonv2 "github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
)

func TestExtraIsSent(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: apitest.AnyObject})
	_, err := apitest.NewClient(t, fake).Scopes.Create(t.Context(), apono.AccessScopeInput{
		Name: "n", Query: "q", Extra: apono.Extra{"owner": json.RawMessage(`{"id": 1.10}`)},
	})
	require.NoError(t, err)
	require.Equal(t, `{"name":"n","query":"q","owner":{"id":1.10}}`, fake.Requests()[0].Body)
}

// A body must not have two members of the same name.
func TestExtraWithNameOfFieldIsArgumentError(t *testing.T) {
	t.Parallel()
	client := apitest.NewClient(t, apitest.NoRequest(t))
	extra := apono.Extra{"permissions": json.RawMessage(`["ADMIN"]`)}
	_, err := client.AccessFlows.Create(t.Context(), apono.AccessFlowInput{AccessTargets: []apono.AccessTargetInput{
		{Bundle: &apono.TargetBundleInput{BundleReference: "b"}},
		{Integration: &apono.IntegrationAccessTargetInput{IntegrationReference: "i", Extra: extra}},
	}})
	require.EqualError(t, err, `apono: argument in.AccessTargets[1].Integration.Extra: the field "permissions" belongs in Permissions, not in Extra`)
	require.ErrorAs(t, err, new(*apono.ArgumentError))
	for _, in := range []any{
		apono.AccessScopeInput{Name: "n", Extra: apono.Extra{"name": nil}},           // set
		apono.AccessScopeInput{Extra: apono.Extra{"description": nil}},               // not set
		map[string]any{"x": []any{apono.Integration{Extra: apono.Extra{"id": nil}}}}, // at any depth
	} {
		require.ErrorAs(t, client.Do(t.Context(), "POST", "/api/x", nil, in, nil), new(*apono.ArgumentError))
	}
	err = client.Do(t.Context(), "POST", "/api/x", nil, apono.AccessScope{Extra: apono.Extra{"x": json.RawMessage(`{`)}}, nil)
	require.ErrorAs(t, err, new(*apono.ArgumentError), "invalid JSON must be rejected")
}

// encoding/json/v2 rejects a name that is written twice, and so do the methods that write
// Extra where encoding/json cannot.
func TestMarshalRejectsExtraWithNameOfField(t *testing.T) {
	t.Parallel()
	scope := apono.AccessScope{ID: "s1", Extra: apono.Extra{"id": json.RawMessage(`"s2"`)}}
	for _, value := range []any{scope, []*apono.AccessScope{&scope}, apono.Page[apono.AccessScope]{Items: []*apono.AccessScope{&scope}}} {
		_, err := jsonv2.Marshal(value)
		require.ErrorContains(t, err, "duplicate object member name")
		if scope, ok := any(scope).(json.Marshaler); ok {
			_, err := scope.MarshalJSON()
			require.ErrorContains(t, err, "duplicate object member name")
		}
	}
	scope.Extra = apono.Extra{"newer": json.RawMessage(`1`)}
	text, err := json.Marshal(scope)
	require.NoError(t, err)
	require.Contains(t, string(text), `"newer":1`)
}

// A union with an unknown member and no other is of an unknown kind.
func TestUnionsOfUnknownKinds(t *testing.T) {
	t.Parallel()
	newer := apono.Extra{"newer": json.RawMessage(`{"a":1}`)}
	fake := script.New(t, script.Response{Body: apitest.AnyObject}, script.Response{Body: apitest.AnyObject}, script.Response{Body: apitest.AnyObject}, script.Response{Body: apitest.AnyObject})
	client := apitest.NewClient(t, fake)
	_, err := client.AccessFlows.Create(t.Context(), apono.AccessFlowInput{AccessTargets: []apono.AccessTargetInput{{Extra: newer}}})
	require.NoError(t, err)
	_, err = client.Bundles.Create(t.Context(), apono.BundleInput{AccessTargets: []apono.BundleTargetInput{{Extra: newer}}})
	require.NoError(t, err)
	_, err = client.Reports.Create(t.Context(), apono.ActivityReportInput{Timeframe: apono.ReportTimeframe{Extra: newer}})
	require.NoError(t, err)
	_, err = client.Integrations.Create(t.Context(), apono.CreateIntegrationInput{SecretStoreConfig: &apono.SecretStoreConfig{Extra: map[string]apono.Secret{"newer": unmarshaled(t, `{"a":1}`)}}})
	require.NoError(t, err)
	for _, request := range fake.Requests() {
		require.Contains(t, request.Body, `{"newer":{"a":1}}`)
	}
}

func TestExtraPrintsNamesOnly(t *testing.T) {
	t.Parallel()
	scope := apono.AccessScope{ID: "s1", Extra: apono.Extra{"token": json.RawMessage(`"s3cret"`), "a": json.RawMessage(`1`)}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		require.Equal(t, "[a token]", fmt.Sprintf(verb, scope.Extra))
		require.NotContains(t, fmt.Sprintf(verb, scope), "s3cret")
	}
	require.Contains(t, fmt.Sprintf("%#v", scope), "Extra:[a token]")
	require.Contains(t, fmt.Sprintf("%+v", scope), `"a":"[redacted]","token":"[redacted]"`)
	require.Equal(t, "[a token]", scope.Extra.LogValue().String())
	require.Equal(t, "[]", apono.Extra(nil).String())
}

func TestObjectKeepsEveryDigit(t *testing.T) {
	t.Parallel()
	const text = `{"a":[1.10,1e400,-0,12345678901234567890],"b":{"c":0.1e-7},"d":null,"e":"é<&>","f":true}`
	for name, codec := range apitest.Codecs {
		var object apono.Object
		require.NoError(t, codec.Unmarshal([]byte(text), &object), name)
		require.Equal(t, []any{json.Number("1.10"), json.Number("1e400"), json.Number("-0"), json.Number("12345678901234567890")}, object["a"], name)
		written, err := codec.Marshal(object)
		require.NoError(t, err, name)
		apitest.JSONEq(t, text, string(written), name)
		require.Error(t, codec.Unmarshal([]byte(`[1]`), &object), name)
		require.NoError(t, codec.Unmarshal([]byte(`{"a":1}`), &object), name)
		require.Len(t, object, 5, "decoding must keep existing members")
	}
	var none apono.Object
	require.NoError(t, json.Unmarshal([]byte(`null`), &none))
	require.Nil(t, none)
	config := map[string]any{"port": "5432", "n": int64(math.MaxInt64), "f": 1.5, "l": []any{nil}}
	input := apono.CreateIntegrationInput{IntegrationConfig: config}
	body, err := wire.Marshal(input)
	require.NoError(t, err)
	require.Contains(t, string(body), `"integration_config":{"f":1.5,"l":[null],"n":9223372036854775807,"port":"5432"}`)
	body, err = wire.Marshal(apono.CreateIntegrationInput{})
	require.NoError(t, err)
	require.Contains(t, string(body), `"integration_config":{}`)
}

// Values in a free-form object are sent unchanged.
func TestCredentialsInFreeFormObjectAreSent(t *testing.T) {
	t.Parallel()
	object := apono.Object{"login": secrets("password", "s3cret")}
	body, err := wire.Marshal(apono.CreateIntegrationInput{IntegrationConfig: object})
	require.NoError(t, err)
	require.Contains(t, string(body), `"integration_config":{"login":{"password":"s3cret"}}`)
	for name, codec := range apitest.Codecs {
		shown, err := codec.Marshal(struct{ O apono.Object }{object})
		require.NoError(t, err)
		require.Equal(t, name != "this module", !bytes.Contains(shown, []byte("s3cret")), name)
	}
}

func TestDecodeErrorNamesPath(t *testing.T) {
	t.Parallel()
	target := `{"access_targets":[{"integration":{"integration_name":%s}}]}`
	for body, want := range map[string]string{
		`{"items":[{},` + fmt.Sprintf(target, `7`) + `],"pagination":{}}`: "items[1].access_targets[0].integration.integration_name: cannot unmarshal number into Go string",
		`{"items":[{"creation_date":"soon"}],"pagination":{}}`:            "items[0].creation_date: not a time in RFC 3339 or ISO 8601",
		`{"items":[{"settings":{"labels":[1]}}],"pagination":{}}`:         "items[0].settings.labels[0]: cannot unmarshal number into Go string",
		`{"items":[{"grant_duration_in_min":1.5}],"pagination":{}}`:       "items[0].grant_duration_in_min: not an integer",
	} {
		_, err := apitest.NewClient(t, script.New(t, script.Response{Body: body})).AccessFlows.List(t.Context())
		require.ErrorAs(t, err, new(*apono.DecodeError))
		require.ErrorContains(t, err, ": "+want)
	}
	_, err := apitest.NewClient(t, script.New(t, script.Response{Body: `{"data":[{},{"created_date":"soon"}],"pagination":{}}`})).Legacy.AccessFlows.List(t.Context())
	require.ErrorContains(t, err, ": data[1].created_date: not a time")
}

func BenchmarkDecodePage(b *testing.B) {
	for name, newer := range map[string]string{"known": "", "newer": `"newer": {"a": [1]}, `} {
		items := make([]string, 100)
		for i := range items {
			items[i] = fmt.Sprintf(`{"id":"6f1c2a44-9c1e-4f57-8f7a-0d5c2b7f%04[1]d","name":"Orders database %[1]d",%[2]s"type":"postgresql","category":"RESOURCES",`+
				`"connector_id":"connector-eu-west-1","status":"ACTIVE","last_sync_time":"2026-03-05T07:08:09.123456789Z",`+
				`"integration_config":{"hostname":"orders-%[1]d.cluster-c1x2y3z4.eu-west-1.rds.amazonaws.com","port":"5432","dbname":"orders",`+
				`"sslmode":"require","credentials_rotation_period_in_days":"90","credentials_cleanup_period_in_days":"30"},`+
				`"secret_store_config":{"aws":{"region":"eu-west-1","secret_id":"orders/apono"}},`+
				`"connected_resource_types":["postgresql-database","postgresql-schema","postgresql-table"],`+
				`"owner":{"attribute_type":"group","attribute_value":["group-7"],"source_integration_id":"idp-1","source_integration_name":"Okta"}}`, i, newer)
		}
		data := []byte(`{"items":[` + strings.Join(items, ",") + `],"pagination":{"next_page_token":null}}`)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var page struct {
					Items []*apono.Integration `json:"items"`
				}
				if err := wire.Unmarshal(data, &page); err != nil || len(page.Items) != 100 {
					b.Fatal(err)
				}
			}
		})
	}
}
