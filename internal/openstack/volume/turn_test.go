package volume

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/gophercloud/gophercloud/v2"
)

// The refusals are those of Nova 26 and Cinder 21.
func TestInTurn(t *testing.T) {
	for _, c := range []struct {
		message string
		again   bool
	}{
		{"Invalid volume: Volume v status must be available or in-use or downloading to reserve, but the current status is reserved. (HTTP 400)", true},
		{"Invalid volume: Volume v status must be available or in-use or downloading to reserve, but the current status is available. (HTTP 400)", true},
		{"Invalid volume: Volume v status must be available or in-use or downloading to reserve, but the current status is in-use. (HTTP 400)", true},
		{"Invalid volume: Volume v status must be available or in-use or downloading to reserve, but the current status is maintenance. (HTTP 400)", false},
		{"Invalid volume: Volume v status must be available or downloading to reserve, but the current status is detaching. (HTTP 400)", true},
		{"Invalid volume: Volume v status must be available or downloading to reserve, but the current status is in-use. (HTTP 400)", true},
		{"Invalid volume: Volume v status must be available or downloading to reserve, but the current status is error. (HTTP 400)", false},
		{"Invalid volume: volume v is already attached to instances: s", true},
		{"Invalid volume: volume v already attached", false},
		{"Invalid volume: Volume v status must be available, in-use, but current status is: attaching.", true},
		{"Invalid volume: Volume v status must be available, but current status is: in-use.", false},
		{"Invalid volume: Volume v status must be '{'status': 'available'}' to extend, currently detaching.", true},
		{"Invalid volume: Volume v status must be '{'status': 'available'}' to extend, currently error.", false},
		{"Invalid volume: Originating source volume status must be one of 'available, in-use' values", false}, // of no volume that is known
		{"Invalid input received: Invalid volume type.", false},
	} {
		t.Run(c.message, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				refusal := gophercloud.ErrUnexpectedResponseCode{Actual: 400, Body: fmt.Appendf(nil, `{"badRequest": {"message": %q}}`, c.message)}
				asked := 0
				err := InTurn(t.Context(), nil, "", func(context.Context) error {
					if asked++; asked < 3 {
						return refusal
					}
					return nil
				})
				if again := err == nil && asked == 3; again != c.again {
					t.Errorf("asked %d times: %v", asked, err)
				}

				asked = 0
				err = InTurn(t.Context(), nil, "", func(context.Context) error { asked++; return refusal })
				if !errors.As(err, new(gophercloud.ErrUnexpectedResponseCode)) || asked > 1 != c.again {
					t.Errorf("asked %d times, and in the end: %v", asked, err)
				}
			})
		})
	}
}
