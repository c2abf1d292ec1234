"""What is said to a person about each error code. Codes never change with the language (contract 2)."""

from collections.abc import Mapping

from library_api.languages import Language

MESSAGES: Mapping[str, Mapping[Language, str]] = {
    "VALIDATION_ERROR": {
        "ru": "Запрос составлен неверно.",
        "en": "The request is not valid.",
    },
    "UNAUTHORIZED": {
        "ru": "Требуется вход: нет действительного токена доступа.",
        "en": "Sign-in required: there is no valid access token.",
    },
    "FORBIDDEN": {
        "ru": "Недостаточно прав для этого действия.",
        "en": "You may not do this.",
    },
    "GAME_NOT_FOUND": {
        "ru": "Игры нет в библиотеке.",
        "en": "The game is not in the library.",
    },
    "CATEGORY_NOT_FOUND": {
        "ru": "Такой категории нет.",
        "en": "There is no such category.",
    },
    "CATEGORY_EXISTS": {
        "ru": "Категория с таким названием уже есть.",
        "en": "There already is a category of this name.",
    },
    "INVALID_CATEGORY": {
        "ru": "Недопустимое название категории.",
        "en": "This cannot be the name of a category.",
    },
    "LIMIT_REACHED": {
        "ru": "Достигнут предел: больше добавить нельзя.",
        "en": "The limit is reached: no more can be added.",
    },
    "SESSION_NOT_FOUND": {
        "ru": "Такой игровой сессии нет.",
        "en": "There is no such game session.",
    },
    "SESSION_ENDED": {
        "ru": "Игровая сессия уже завершена.",
        "en": "The game session is over.",
    },
    "SESSION_ALREADY_ACTIVE": {
        "ru": "Игра уже запущена на другом устройстве.",
        "en": "The game is being played on another device.",
    },
    "GAME_IN_USE": {
        "ru": "В эту копию игры сейчас играет другой пользователь.",
        "en": "Somebody else is playing this copy of the game.",
    },
    "NOT_FOUND": {
        "ru": "Ничего не найдено.",
        "en": "Nothing was found.",
    },
    "METHOD_NOT_ALLOWED": {
        "ru": "Этот метод здесь не поддерживается.",
        "en": "This method is not supported here.",
    },
    "UNSUPPORTED_MEDIA_TYPE": {
        "ru": "Тело запроса должно быть в формате JSON и кодировке UTF-8.",
        "en": "The body must be JSON in UTF-8.",
    },
    "PAYLOAD_TOO_LARGE": {
        "ru": "Тело запроса слишком велико.",
        "en": "The body is too large.",
    },
    "REQUEST_TIMEOUT": {
        "ru": "Тело запроса не пришло вовремя.",
        "en": "The body did not arrive in time.",
    },
    "RATE_LIMITED": {
        "ru": "Слишком много запросов. Повторите попытку позже.",
        "en": "Too many requests. Please try again later.",
    },
    "IDEMPOTENCY_IN_PROGRESS": {
        "ru": "Первый запрос с этим ключом идемпотентности ещё выполняется.",
        "en": "The first request with this idempotency key is still running.",
    },
    "IDEMPOTENCY_KEY_REUSED": {
        "ru": "Ключ идемпотентности уже использован с другим запросом.",
        "en": "The idempotency key was already used with another request.",
    },
    "INTERNAL_ERROR": {
        "ru": "Внутренняя ошибка. Сообщите номер запроса в поддержку.",
        "en": "Internal error. Please give the request id to support.",
    },
    "DEPENDENCY_UNAVAILABLE": {
        "ru": "Сервис временно недоступен. Повторите попытку позже.",
        "en": "The service is temporarily unavailable. Please try again later.",
    },
}

PLAY_DENIED: Mapping[Language, str] = {
    "ru": "Сейчас в эту игру играть нельзя.",
    "en": "This game may not be played now.",
}
"""FORBIDDEN, where it is the game and not the caller's role that is in the way; the reason is in the details."""
