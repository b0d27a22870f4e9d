package settings

import (
	"encoding/json"
	"fmt"
)

// Encode writes parameters as they were given, for another process to Decode.
func Encode(given []Parameter) ([]byte, error) {
	text, err := json.MarshalIndent(given, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the parameters: %w", err)
	}
	return append(text, '\n'), nil
}

// Decode reads what Encode wrote; of an empty text, no parameters.
func Decode(text []byte) ([]Parameter, error) {
	if len(text) == 0 {
		return nil, nil
	}
	var given []Parameter
	if err := json.Unmarshal(text, &given); err != nil {
		return nil, fmt.Errorf("decode the parameters: %w", err)
	}
	return given, nil
}
