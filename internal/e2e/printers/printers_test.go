package printers

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/davecgh/go-spew/spew"
	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

// failure records the message of a failed assertion.
type failure struct{ message string }

func (f *failure) Errorf(format string, args ...any) { f.message = fmt.Sprintf(format, args...) }

// printers print a value, by means of another one of its type where they compare. A
// printer that cannot print a value returns its error.
var printers = map[string]func(value, other any) string{
	"yaml.v3": func(value, _ any) string {
		data, err := yaml.Marshal(value)
		return fmt.Sprint(string(data), err)
	},
	"toml": func(value, _ any) string {
		var b bytes.Buffer
		err := toml.NewEncoder(&b).Encode(map[string]any{"v": value})
		return fmt.Sprint(b.String(), err)
	},
	"gob": func(value, _ any) string {
		var b bytes.Buffer
		err := gob.NewEncoder(&b).Encode(value)
		return fmt.Sprint(b.String(), err)
	},
	"cmp.Diff": func(value, other any) string {
		return cmp.Diff(value, other, cmp.Exporter(func(reflect.Type) bool { return true }))
	},
	"spew":                 func(value, _ any) string { return spew.Sdump(value) },
	"spew without methods": func(value, _ any) string { return (&spew.ConfigState{DisableMethods: true}).Sdump(value) },
	"spew with pointer methods disabled": func(value, _ any) string {
		return (&spew.ConfigState{DisablePointerMethods: true}).Sprintf("%#+v", value)
	},
	"assert.Equal": func(value, other any) string {
		f := new(failure)
		assert.Equal(f, value, other)
		return f.message
	},
	"assert.Nil": func(value, _ any) string {
		f := new(failure)
		assert.Nil(f, value)
		return f.message
	},
}

// printed returns what a printer prints, or its panic for values that it does not support.
func printed(way string, value, other any) (shown string) {
	defer func() {
		if r := recover(); r != nil {
			shown = fmt.Sprint(r)
		}
	}()
	return printers[way](value, other)
}

// forms returns a text as printers may show it.
func forms(text string) []string {
	return []string{
		text, fmt.Sprintf("%x", text), fmt.Sprintf("%X", text), strings.Trim(fmt.Sprintf("%d", []byte(text)), "[]"),
		strings.Trim(fmt.Sprintf("%#v", []byte(text)), "[]byte{}"), base64.StdEncoding.EncodeToString([]byte(text)),
	}
}

// No printer shows a Secret, in whatever container it is.
func TestNothingShowsSecrets(t *testing.T) {
	t.Parallel()
	for _, typ := range apitest.SecretHolders() {
		value, other := reflect.New(typ).Elem(), reflect.New(typ).Elem()
		require.Positive(t, apitest.Fill(value))
		others := apitest.Containers(other)
		for i, in := range apitest.Containers(value) {
			for way := range printers {
				shown := printed(way, in.Value, others[i].Value)
				for _, form := range forms(apitest.SecretText) {
					require.NotContains(t, shown, form, "%s of %s in %s", way, typ, in.Name)
				}
			}
		}
	}
}

// The printers above show what is not secret, so that the test cannot pass because
// nothing is shown.
func TestPrintersShowOtherStrings(t *testing.T) {
	t.Parallel()
	type holder struct {
		Name   string
		Secret apono.Secret
	}
	value := holder{"visible", apono.NewSecret(apitest.SecretText)}
	for way := range printers {
		require.Contains(t, printed(way, value, holder{}), "visible", way)
	}
	for _, way := range []string{"yaml.v3", "toml", "gob", "spew"} {
		require.Contains(t, printed(way, value, holder{}), "[redacted]", way)
	}
}

// What an encoder wrote is read back as the mask, which is not sent.
func TestEncodersWriteTheMask(t *testing.T) {
	t.Parallel()
	type holder struct {
		Secret apono.Secret
		ByName map[string]apono.Secret
	}
	secret := apono.NewSecret(apitest.SecretText)
	in := holder{secret, map[string]apono.Secret{"k": secret}}
	mask := apono.NewSecret("[redacted]")
	want := holder{mask, map[string]apono.Secret{"k": mask}}

	data, err := yaml.Marshal(in)
	require.NoError(t, err)
	var fromYAML holder
	require.NoError(t, yaml.Unmarshal(data, &fromYAML))
	require.Equal(t, want, fromYAML)

	var b bytes.Buffer
	require.NoError(t, gob.NewEncoder(&b).Encode(in))
	var fromGob holder
	require.NoError(t, gob.NewDecoder(&b).Decode(&fromGob))
	require.Equal(t, want, fromGob)

	b.Reset()
	require.NoError(t, toml.NewEncoder(&b).Encode(in))
	var fromTOML holder
	_, err = toml.Decode(b.String(), &fromTOML)
	require.NoError(t, err)
	require.Equal(t, want, fromTOML)
}

// Equal models are equal for packages that compare, and different secrets are not.
func TestModelsAreCompared(t *testing.T) {
	t.Parallel()
	for _, typ := range apitest.SecretHolders() {
		a, b := reflect.New(typ), reflect.New(typ)
		apitest.Fill(a.Elem())
		apitest.Fill(b.Elem())
		require.Empty(t, cmp.Diff(a.Interface(), b.Interface()), typ)
		require.True(t, assert.Equal(new(failure), a.Interface(), b.Interface()), typ)
	}
	one := apono.AccessSessionDetails{Instructions: apono.NewSecret("one")}
	two := apono.AccessSessionDetails{Instructions: apono.NewSecret("two")}
	require.NotEmpty(t, cmp.Diff(one, two))
	require.False(t, assert.Equal(new(failure), one, two))
}
