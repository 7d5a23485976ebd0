//go:build ogen

package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/go-faster/jx"

	"github.com/apono-go/apono/bench/ogen/client"
)

// The client that ogen generates leaves free-form settings as JSON. The contender
// "ogen" decodes them to Go values, as the others do; "ogen-raw" does not.
func init() {
	contenders = append(contenders, ogen("ogen", decoded), ogen("ogen-raw", func(integration *client.IntegrationV4) (any, error) {
		return integration, nil
	}))
}

// withSettings is an integration whose settings are Go values.
type withSettings struct {
	*client.IntegrationV4
	settings map[string]any
}

func decoded(integration *client.IntegrationV4) (any, error) {
	values := make(map[string]any, len(integration.IntegrationConfig))
	for name, raw := range integration.IntegrationConfig {
		value, err := decodeAny(raw)
		if err != nil {
			return nil, err
		}
		values[name] = value
	}
	integration.IntegrationConfig = nil
	return &withSettings{integration, values}, nil
}

// decodeAny decodes a value with the decoder of ogen's client.
func decodeAny(raw jx.Raw) (value any, err error) {
	d := jx.GetDecoder()
	defer jx.PutDecoder(d)
	d.ResetBytes(raw)
	switch raw.Type() {
	case jx.String:
		return d.Str()
	case jx.Number:
		number, err := d.Num()
		return json.Number(number), err
	case jx.Bool:
		return d.Bool()
	case jx.Null:
		return nil, d.Null()
	default:
		err = json.Unmarshal(raw, &value)
		return value, err
	}
}

type tokens struct{}

func (tokens) Authorization(context.Context, client.OperationName) (client.Authorization, error) {
	return client.Authorization{Token: token}, nil
}

func newOgen(c *http.Client, address string) *client.Client {
	return must(client.NewClient(address, tokens{}, client.WithClient(c)))
}

// ogen returns a contender that applies finish to each integration.
func ogen(name string, finish func(*client.IntegrationV4) (any, error)) contender {
	each := func(c *http.Client, address string, use func(id string, finished any)) error {
		api := newOgen(c, address)
		for params := (client.ListIntegrationsV4Params{}); ; {
			page, err := api.ListIntegrationsV4(context.Background(), params)
			if err != nil {
				return err
			}
			for i := range page.Items {
				finished, err := finish(&page.Items[i])
				if err != nil {
					return err
				}
				use(page.Items[i].ID, finished)
			}
			next, ok := page.Pagination.NextPageToken.Get()
			if !ok || next == "" {
				return nil
			}
			params.PageToken = client.NewOptNilString(next)
		}
	}
	return contender{
		name: name,
		list: func(c *http.Client, address string, see func(id string)) error {
			return each(c, address, func(id string, _ any) { see(id) })
		},
		collect: func(c *http.Client, address string) (int, error) {
			var all []any
			err := each(c, address, func(_ string, finished any) { all = append(all, finished) })
			return len(all), err
		},
		get: func(c *http.Client, address string) func() error {
			api := newOgen(c, address)
			return func() error {
				integration, err := api.GetIntegrationsByIdV4(context.Background(), client.GetIntegrationsByIdV4Params{ID: someID})
				if err != nil {
					return err
				}
				if len(integration.IntegrationConfig) != settings {
					return fmt.Errorf("the response is %+v", integration)
				}
				_, err = finish(integration)
				return err
			}
		},
	}
}
