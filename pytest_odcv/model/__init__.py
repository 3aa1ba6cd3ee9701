"""JudgeConfig a language model: the chat types (`types`), the litellm client (`live`), scripted reference agents (`reference`)."""
