package apono_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/apono-go/apono/internal/wire"
	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

const password = "hunter2-<&>"

// secrets returns Secrets by name, given names and strings in turn.
func secrets(pairs ...string) map[string]apono.Secret {
	all := map[string]apono.Secret{}
	for i := 0; i < len(pairs); i += 2 {
		all[pairs[i]] = apono.NewSecret(pairs[i+1])
	}
	return all
}

func credentials() *apono.SecretStoreConfig {
	return &apono.SecretStoreConfig{Apono: &apono.SecretConfig{Parameters: secrets("password", password)}}
}

func TestSecretsAreEqualIfTheirStringsAre(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "a", password, strings.Repeat("é\x00\xff", 100)} {
		a, b := apono.NewSecret(text), apono.NewSecret(strings.Clone(text))
		require.Equal(t, text, a.Reveal())
		require.True(t, a == b)
		require.True(t, a.Equal(b))
		require.True(t, reflect.DeepEqual(a, b))
		require.Empty(t, cmp.Diff(a, b))
		other := apono.NewSecret(text + "b")
		require.False(t, a == other)
		require.False(t, a.Equal(other))
		require.NotEmpty(t, cmp.Diff(a, other))
	}
	require.True(t, apono.NewSecret("") == apono.Secret{})
	require.False(t, apono.NewSecret("1") == unmarshaled(t, "1"), "a string is not a number")
	require.True(t, apono.NewSecret("1") == unmarshaled(t, `"1"`))
}

func unmarshaled(t *testing.T, data string) (s apono.Secret) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(data), &s))
	return s
}

// The memory of a Secret does not contain a character of the string in its place.
func TestSecretHoldsNoCharacterInClear(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("hunter2", 50)
	secret := apono.NewSecret(text)
	held := *(*string)(unsafe.Pointer(&secret)) //nolint:gosec // the first field is the sealed string
	require.Len(t, held, len(text))
	for i := range text {
		require.NotEqual(t, text[i], held[i])
	}
}

// A value of another type must cost neither the page nor its digits.
func TestSecretKeepsOtherJSON(t *testing.T) {
	t.Parallel()
	for data, text := range map[string]string{
		`"a\u00e9\n"`: "aé\n", `""`: "", `null`: "", `true`: "true", `5432.10`: "5432.10", `12345678901234567890`: "12345678901234567890",
		`{"a":[1e400,null]}`: `{"a":[1e400,null]}`, `["x"]`: `["x"]`, `"5432"`: "5432", `"null"`: "null",
	} {
		for name, codec := range apitest.Codecs {
			var read struct {
				S apono.Secret            `json:"s"`
				M map[string]apono.Secret `json:"m"`
			}
			body := `{"s":` + data + `,"m":{"k":` + data + `}}`
			require.NoError(t, codec.Unmarshal([]byte(body), &read), name)
			require.Equal(t, text, read.S.Reveal(), name)
			require.Equal(t, read.S, read.M["k"], name)
			sent, err := wire.Marshal(read)
			require.NoError(t, err)
			apitest.JSONEq(t, body, string(sent))
		}
	}
}

func TestSecretIsMarshaledAsMask(t *testing.T) {
	t.Parallel()
	secret := apono.NewSecret(password)
	text, err := secret.MarshalText()
	require.NoError(t, err)
	require.Equal(t, "[redacted]", string(text))
	binary, err := secret.MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, "[redacted]", string(binary))
	for name, codec := range apitest.Codecs {
		if name == "this module" {
			continue
		}
		data, err := codec.Marshal(map[string]any{"s": secret, "p": &secret, "n": (*apono.Secret)(nil), "j": unmarshaled(t, `{"a": 1}`)})
		require.NoError(t, err, name)
		apitest.JSONEq(t, `{"s":"[redacted]","p":"[redacted]","n":null,"j":"[redacted]"}`, string(data), name)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%10.3f"} {
		require.Equal(t, "[redacted]", fmt.Sprintf(verb, secret))
	}
	require.Equal(t, "[redacted]", secret.String())
	var read apono.Secret
	require.NoError(t, read.UnmarshalText([]byte(password)))
	require.Equal(t, secret, read)
	require.NoError(t, read.UnmarshalBinary([]byte("other")))
	require.Equal(t, "other", read.Reveal())
}

// Requests must contain the credentials, not their masks.
func TestRequestsContainCredentials(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: apitest.AnyObject}, script.Response{Body: apitest.AnyObject})
	client := apitest.NewClient(t, fake).Integrations
	_, err := client.Create(t.Context(), apono.CreateIntegrationInput{SecretStoreConfig: credentials()})
	require.NoError(t, err)
	_, err = client.Update(t.Context(), "i1", apono.UpdateIntegrationInput{SecretStoreConfig: credentials()})
	require.NoError(t, err)
	const store = `"integration_config":{},"secret_store_config":{"apono":{"parameters":{"password":"hunter2-<&>"}}}}`
	require.Equal(t, `{"name":"","type":"",`+store, fake.Requests()[0].Body)
	require.Equal(t, `{"name":"",`+store, fake.Requests()[1].Body)
	apitest.JSONEq(t, `{"name":"","x":1,`+store, updated(t, `{"x":1,`+store, asRead))
}

// Programs may put values of this package into maps, for Client.Do or in the config.
func TestRequestsContainCredentialsInFreeFormValues(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: apitest.AnyObject}, script.Response{Body: apitest.AnyObject})
	client := apitest.NewClient(t, fake)
	require.NoError(t, client.Do(t.Context(), "PUT", "/api/admin/v5/stores/s1", nil, map[string]any{
		"store": credentials(), "list": []any{*credentials(), apono.NewSecret("one")},
	}, nil))
	_, err := client.Integrations.Create(t.Context(), apono.CreateIntegrationInput{
		IntegrationConfig: map[string]any{"login": secrets("password", password)},
	})
	require.NoError(t, err)
	const store = `{"apono":{"parameters":{"password":"hunter2-<&>"}}}`
	apitest.JSONEq(t, `{"store":`+store+`,"list":[`+store+`,"one"]}`, fake.Requests()[0].Body)
	apitest.JSONEq(t, `{"name":"","type":"","integration_config":{"login":{"password":"hunter2-<&>"}}}`, fake.Requests()[1].Body)
}

// An integration that was marshaled has masks in place of secrets. They must not be sent.
func TestMaskIsArgumentError(t *testing.T) {
	t.Parallel()
	marshaled := func(in apono.SecretStoreConfig) (out *apono.SecretStoreConfig) {
		data, err := json.Marshal(in)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(data, &out))
		return out
	}
	aws := func(region, id string, extra map[string]apono.Secret) *apono.SecretStoreConfig {
		return &apono.SecretStoreConfig{AWS: &apono.AWSSecretConfig{Region: region, SecretID: id, Extra: extra}}
	}
	mask := "[redacted]"
	for arg, store := range map[string]*apono.SecretStoreConfig{
		`.Apono.Parameters["password"]`: marshaled(*credentials()),
		`.AWS.Extra["version_stage"]`:   marshaled(*aws("r", "s", secrets("version_stage", "AWSCURRENT"))),
		`.Extra["oracle_vault"]`:        marshaled(apono.SecretStoreConfig{Extra: secrets("oracle_vault", "x")}),
		`.AWS.Region`:                   aws(mask, "s", nil),
		`.HashicorpVault.Path`:          {HashicorpVault: &apono.HashicorpVaultSecretConfig{Path: mask}},
	} {
		client := apitest.NewClient(t, apitest.NoRequest(t))
		_, createErr := client.Integrations.Create(t.Context(), apono.CreateIntegrationInput{SecretStoreConfig: store})
		_, updateErr := client.Integrations.Update(t.Context(), "i1", apono.UpdateIntegrationInput{SecretStoreConfig: store})
		for _, err := range []error{createErr, updateErr} {
			require.Equal(t, &apono.ArgumentError{
				Arg:    "in.SecretStoreConfig" + arg,
				Reason: "must not be [redacted]: objects that were printed or marshaled lack their secrets",
			}, apitest.ErrorAs[*apono.ArgumentError](t, err))
		}
	}
	client := apitest.NewClient(t, apitest.NoRequest(t))
	for arg, in := range map[string]any{
		`in`:                    apono.NewSecret(mask),
		`in["a"][0]`:            map[string]any{"a": []any{new(apono.NewSecret(mask))}},
		`in.Link.Title`:         apono.AccessSessionDetails{Link: &apono.Link{Title: &mask}},
		`in.CustomAdminMessage`: &apono.AccessSessionDetails{CustomAdminMessage: &mask},
		`in.Details`:            apono.AccessDetailsV3{Details: apono.NewSecret(mask)},
	} {
		err := client.Do(t.Context(), "POST", "/api/x", nil, in, nil)
		require.Equal(t, arg, apitest.ErrorAs[*apono.ArgumentError](t, err).Arg)
	}
	// Elsewhere it is a string like any other.
	_, err := apitest.NewClient(t, script.New(t, script.Response{Body: apitest.AnyObject})).Scopes.Create(t.Context(), apono.AccessScopeInput{Name: mask, Query: mask})
	require.NotErrorAs(t, err, new(*apono.ArgumentError))
}

func TestAPIErrorIsMarshaledAsItsText(t *testing.T) {
	t.Parallel()
	rejected := &apono.APIError{
		StatusCode: 404, Code: "E7", Message: "ann@example.com\nis unknown", RequestID: "r-1", Method: "GET", Path: "/api/x", Attempts: 1,
		Header: map[string][]string{"X-User": {"ann@example.com"}}, Body: []byte(`{"message":"ann@example.com"}`),
	}
	const want = `{"attempts":1,"code":"E7","message":"[e-mail] is unknown","method":"GET","path":"/api/x","request_id":"r-1","status":404}`
	for _, value := range []any{rejected, *rejected} {
		data, err := json.Marshal(value)
		require.NoError(t, err)
		require.Equal(t, want, string(data))
	}
	data, err := json.Marshal(&apono.TransportError{Err: errors.New("x"), Last: rejected}) //nolint:musttag // as a program may do
	require.NoError(t, err)
	require.NotContains(t, string(data), "ann")
	require.Contains(t, string(data), want)
	data, err = json.Marshal((*apono.APIError)(nil))
	require.NoError(t, err)
	require.Equal(t, "null", string(data))
}
