package apono

import (
	"context"
	"iter"
	"log/slog"
	"net/http"

	"github.com/apono-go/apono/internal/operation"
)

// AttributesService reads the attributes that identities can be matched by in
// access flows.
//
// API section: Attributes, see https://docs.apono.io.
type AttributesService struct{ client *Client }

var listAttributes = operation.New("Attributes.List", http.MethodGet, "/api/admin/v1/attributes")

// Attribute is a value of an attribute of identities.
type Attribute struct {
	// Type is the attribute, to be used as the type of a condition. Letter case
	// matters.
	Type string `json:"type"`
	// Value is the value.
	Value string `json:"value"`
	// SourceID is the value's id in the system that it comes from.
	SourceID *string `json:"source_id,omitzero"`
	// SourceIntegrationID is the integration that it comes from.
	SourceIntegrationID *string `json:"source_integration_id,omitzero"`
	// SourceIntegrationName is that integration's name.
	SourceIntegrationName *string `json:"source_integration_name,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// ListAttributesOptions filters and pages a list of attributes.
type ListAttributesOptions struct {
	// PageToken is where to go on, from Page.NextPageToken. The token carries
	// the filters of the list that it came from; those given here are not sent.
	PageToken string `url:"page_token,omitempty"`
	// Limit is the size of a page; the server's default is 100.
	Limit int `url:"limit,omitempty"`
	// Search is a value, or a pattern with an asterisk at either end or both.
	Search string `url:"search,omitempty"`
	// SourceIntegrationReference is the id or the name of the integration that
	// attributes come from.
	SourceIntegrationReference string `url:"source_integration_reference,omitempty"`
	// Type is an attribute.
	Type string `url:"type,omitempty"`
}

func (o ListAttributesOptions) at(token string) (ListAttributesOptions, string) {
	from := o.PageToken
	o.PageToken = token
	return o, from
}

// List gets one page of the attributes.
//
// GET /api/admin/v1/attributes
func (s *AttributesService) List(ctx context.Context, opts ...ListAttributesOptions) (*Page[Attribute], error) {
	return list[Attribute](ctx, s.client, listAttributes, opts)
}

// ListAll iterates over all attributes, page by page as the loop goes on. An
// error is the last pair of the loop; a page token that comes back is
// [ErrPageLoop].
//
// GET /api/admin/v1/attributes
func (s *AttributesService) ListAll(ctx context.Context, opts ...ListAttributesOptions) iter.Seq2[*Attribute, error] {
	return listAll[Attribute](ctx, s.client, listAttributes, opts)
}

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (a Attribute) LogValue() slog.Value { return logValue(a) }

// String returns what LogValue does.
func (a Attribute) String() string { return printed(a) }
