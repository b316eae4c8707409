package reverseproxy

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
)

// KeySize is the length of an encryption key in bytes.
const KeySize = 32

// Cipher encrypts what is secret in the container, with AES-256-GCM. The name of the object is authenticated, too:
// what was written for one cannot be read from another.
type Cipher struct{ aead cipher.AEAD }

// NewKey makes an encryption key, in base64.
func NewKey() (string, error) {
	key := make([]byte, KeySize)
	if _, err := rand.Read(key); err != nil {
		return "", fmt.Errorf("make an encryption key: %w", err)
	}
	return base64.StdEncoding.EncodeToString(key), nil
}

// NewCipher reads an encryption key: 32 bytes in base64.
func NewCipher(key string) (*Cipher, error) {
	raw, err := base64.StdEncoding.DecodeString(key)
	if err != nil || len(raw) != KeySize {
		return nil, fmt.Errorf("the encryption key must be %d bytes in base64", KeySize)
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return nil, fmt.Errorf("use the encryption key: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("use the encryption key: %w", err)
	}
	return &Cipher{aead}, nil
}

// Seal encrypts what the object of that name holds.
func (c *Cipher) Seal(object string, plain []byte) []byte {
	return c.aead.Seal(nil, nil, plain, []byte(object))
}

// Open decrypts what the object of that name holds.
func (c *Cipher) Open(object string, sealed []byte) ([]byte, error) {
	plain, err := c.aead.Open(nil, nil, sealed, []byte(object))
	if err != nil {
		return nil, errors.New("cannot be decrypted: it was changed, or encrypted with another key or for another object")
	}
	return plain, nil
}
