import unittest

import settings


class Read(unittest.TestCase):
    def test_a_greeting_is_taken_and_a_proxy_is_optional(self):
        read = settings.read('{ "name": "hello-python", "greeting": "hello" }')
        self.assertEqual(read, settings.Settings("hello", None))

    def test_settings_without_a_greeting_are_refused_with_the_key(self):
        with self.assertRaisesRegex(ValueError, "^greeting: "):
            settings.read('{ "greeting": 1 }')
