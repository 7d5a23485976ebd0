// Package webhook receives the events that Apono sends when an access request changes
// and for each entry of the audit log. Their types are [RequestEvent] and [AuditEvent].
//
//	http.Handle("/apono", webhook.NewHandler("Authorization", "Bearer "+token, handle))
//
// A webhook is set up in Apono's portal, by an administrator: the URL, which must be
// HTTPS without a port, a header with a secret value, and the body. [RequestTemplate] and
// [AuditTemplate] are bodies with every documented field. The handler serves plain HTTP;
// TLS ends in front of it, in a proxy, or in [http.ListenAndServeTLS].
//
// # Bodies
//
// The body is a Handlebars template, so its form is the administrator's choice. [Parse]
// expects the names of the documented fields and little else:
//
//   - A field that the body lacks, or that is null or empty, has the zero value. A field
//     that this package does not know is kept in Extra.
//   - Values may be quoted or not. Times are seconds since 1970, with up to nine digits
//     of fraction, or in ISO 8601.
//   - Metadata and target objects may be objects, strings with the JSON of an object, or
//     other text.
//   - Strings may contain line breaks, tabs and backslashes that the template has not
//     escaped. A quote that it has not escaped is an error.
//   - Handlebars escapes & < > " ' ` and =. If no string of the body contains one of them
//     (except & in an entity), &amp; &lt; &gt; &quot; &#x27; &#x60; and &#x3D; are decoded.
//
// The types of events are spelled in more than one way, so compare them with
// [EventType.Is].
//
// # What is not documented
//
// Apono does not document whether a delivery is sent again after a failure, whether
// events arrive in order, or whether one can arrive twice; see [WithoutDuplicates]. There
// is no signature: the header is all that shows that Apono sent a request.
//
// Nor does it document which of an access request's two IDs the API accepts. Try both:
//
//	request, err := client.AccessRequests.Get(ctx, event.Data.ID)
//	if errors.Is(err, apono.ErrNotFound) && event.Data.FriendlyID != "" {
//		request, err = client.AccessRequests.Get(ctx, event.Data.FriendlyID)
//	}
//
// A user's token reads only that user's requests.
package webhook

//go:generate go run ../internal/generate
