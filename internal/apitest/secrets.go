package apitest

import (
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"time"

	"github.com/apono-go/apono"
)

// Strings with which [Fill] fills values.
const (
	SecretText  = "hunter2-<&>" // in every Secret and Body
	VisibleText = "plain"
	NewerText   = "pantry-door" // in a member without a field
	HeaderText  = "cellar-door" // in an http.Header
)

// Fill sets every field of a value, and returns the number of Secrets among them.
func Fill(v reflect.Value) (secrets int) { return fill(v, VisibleText) }

func fill(v reflect.Value, text string) (secrets int) {
	elem := func(t reflect.Type) reflect.Value {
		value := reflect.New(t).Elem()
		secrets += fill(value, text)
		return value
	}
	switch v.Type() {
	case reflect.TypeFor[apono.Secret]():
		v.Set(reflect.ValueOf(apono.NewSecret(SecretText)))
		return 1
	case reflect.TypeFor[apono.Body]():
		v.SetBytes([]byte(SecretText))
		return 0
	case reflect.TypeFor[http.Header]():
		text = HeaderText
	case reflect.TypeFor[apono.Extra]():
		v.Set(reflect.ValueOf(apono.Extra{"newer": json.RawMessage(`"` + NewerText + `"`)}))
		return 0
	case reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Unix(1700000000, 0).UTC()))
		return 0
	case reflect.TypeFor[error]():
		v.Set(reflect.ValueOf(errors.New(text)))
		return 0
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(7)
	case reflect.Float64:
		v.SetFloat(7)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		secrets += fill(v.Elem(), text)
	case reflect.Slice:
		v.Set(reflect.Append(v, elem(v.Type().Elem())))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("k").Convert(v.Type().Key()), elem(v.Type().Elem()))
	case reflect.Interface:
		v.Set(reflect.ValueOf(map[string]any{"name": []any{text}}))
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				secrets += fill(v.Field(i), text)
			}
		}
	}
	return secrets
}

// A Container is how a program holds a value.
type Container struct {
	Name  string
	Value any
	// Reachable reports whether packages can call the methods of the value: it is not nil
	// and not in an unexported field.
	Reachable bool
}

// Containers returns a value in every container.
func Containers(value reflect.Value) []Container {
	t, pointer := value.Type(), reflect.New(value.Type())
	pointer.Elem().Set(value)
	list := func(elem reflect.Value) any {
		return reflect.Append(reflect.MakeSlice(reflect.SliceOf(elem.Type()), 0, 1), elem).Interface()
	}
	byName := func(elem reflect.Value) any {
		all := reflect.MakeMap(reflect.MapOf(reflect.TypeFor[string](), elem.Type()))
		all.SetMapIndex(reflect.ValueOf("name"), elem)
		return all.Interface()
	}
	return []Container{
		{"value", value.Interface(), true},
		{"pointer", pointer.Interface(), true},
		{"nil", reflect.Zero(reflect.PointerTo(t)).Interface(), false},
		{"slice", list(value), true},
		{"slice of pointers", list(pointer), true},
		{"map", byName(value), true},
		{"map of pointers", byName(pointer), true},
		{"exported field", struct{ V any }{value.Interface()}, true},
		{"exported field with a pointer", struct{ V any }{pointer.Interface()}, true},
		{"unexported field", struct{ v any }{value.Interface()}, false},
		{"unexported field with a pointer", &struct{ v any }{pointer.Interface()}, false},
	}
}

// SecretHolders returns the exported types that contain Secrets.
func SecretHolders() []reflect.Type {
	return []reflect.Type{
		reflect.TypeFor[apono.AWSSecretConfig](), reflect.TypeFor[apono.AccessDetailsV3](), reflect.TypeFor[apono.AccessSessionDetails](),
		reflect.TypeFor[apono.AzureSecretConfig](), reflect.TypeFor[apono.CreateIntegrationInput](),
		reflect.TypeFor[apono.CreateIntegrationV2Input](), reflect.TypeFor[apono.GCPSecretConfig](),
		reflect.TypeFor[apono.HashicorpVaultSecretConfig](), reflect.TypeFor[apono.Integration](), reflect.TypeFor[apono.IntegrationV2](),
		reflect.TypeFor[apono.KubernetesSecretConfig](), reflect.TypeFor[apono.Link](),
		reflect.TypeFor[apono.OffsetPage[apono.AccessSessionDetails]](), reflect.TypeFor[apono.Page[apono.AccessSessionDetails]](),
		reflect.TypeFor[apono.Secret](), reflect.TypeFor[apono.SecretConfig](), reflect.TypeFor[apono.SecretStoreConfig](),
		reflect.TypeFor[apono.UpdateIntegrationInput](), reflect.TypeFor[apono.UpdateIntegrationV2Input](),
	}
}
